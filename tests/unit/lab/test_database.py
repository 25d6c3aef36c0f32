"""The shell that finds out whether a server's dumper writes about replication, under the options of the lab's scripts."""

import subprocess

import pytest

from osupgrade.lab.database import NO_GTID


@pytest.mark.parametrize(("knows", "option"), [(True, "--set-gtid-purged=OFF"), (False, "")])
def test_the_option_is_given_to_a_dumper_that_has_it_and_to_no_other(tmp_path, knows, option):
    dumper = tmp_path / "mysqldump"
    line = "  --set-gtid-purged[=name]" if knows else "  --single-transaction"
    dumper.write_text(f"#!/bin/sh\necho '{line}'\nyes '  --more  of its help' | head -n 5000\n")
    dumper.chmod(0o755)
    script = f'set -o pipefail; {NO_GTID}; echo "$no_gtid"'
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, env=env, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, option)
