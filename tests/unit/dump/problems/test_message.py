"""Messages of programs around a dump."""

import pytest

from osupgrade.model.finding import Severity

from .._written import read, single


@pytest.mark.parametrize(
    "before",
    [
        "Welcome to Ubuntu 12.04.2 LTS\n\n * Documentation:  https://help.ubuntu.com/\n\n",
        "Last failed login: Thu Jul 25 01:04:00 2013 from 10.0.0.1\nThere were 2 failed login attempts\n",
        "*****\n* Access is denied to all others *\n*****\n",
        "mysqldump: Error: 'Access denied; you need (at least one of) the PROCESS privilege(s) for this operation' "
        "when trying to dump tablespaces\n",
    ],
)
@pytest.mark.parametrize("after", ["", "root@ctl:~# exit\n", "\nScript done on 2013-07-25\n", "```\n"])
def test_what_programs_around_a_dump_say_is_left_out(tmp_path, before, after):
    (finding,) = read(tmp_path, before + single() + after).findings
    assert finding.severity is Severity.WARNING
    assert "line 1 of a.sql is a message of" in finding.message
    lines = sum(bool(line.strip()) for line in (before + after).splitlines())
    assert (f"({lines - 1} more line" in finding.message) == (lines > 1)


def test_who_speaks_before_a_dump(tmp_path):
    said = {
        "[sudo] password for admin: ": "sudo",
        "Warning: Permanently added 'db1,10.0.0.5' (ECDSA) to the list of known hosts.": "ssh",
        "Warning: A partial dump from a server that has GTIDs": "mysqldump",
        'Defaulted container "mariadb" out of: mariadb, init (init)': "kubectl",
    }
    for line, who in said.items():
        (finding,) = read(tmp_path, f"{line}\n{single()}").findings
        assert f"is a message of {who}, not SQL" in finding.message
