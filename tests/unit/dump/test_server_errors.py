"""What is said of a dump that a server does not take."""

from types import SimpleNamespace

import pytest

from osupgrade.dump.read import read_dump
from osupgrade.dump.server_errors import failure

from ._dumps import plain

SAID = "ERROR 3822 (HY000) at line 9: Duplicate check constraint name 'CONSTRAINT_1'."


@pytest.mark.parametrize(
    ("of", "on", "hint"),
    [
        ("10.11.6-MariaDB", "9.7.0", "use --db to choose a server like yours"),
        ("8.0.36", "11.8.2-MariaDB", "use --db to choose a server like yours"),
        ("10.11.6-MariaDB", "11.8.2-MariaDB", "take the dump again"),
        ("5.6.13", "9.7.0", "take the dump again"),
    ],
)
def test_a_dump_of_the_other_vendor_is_told_from_a_damaged_one(tmp_path, of, on, hint):
    file = tmp_path / "a.sql"
    file.write_text(plain().replace("Server version\t5.6.13", f"Server version\t{of}"))
    server = SimpleNamespace(alive=lambda: True, version=on)
    fault = failure(server, read_dump(file), SAID)
    assert "error 3822" in fault.message and hint in fault.hint
