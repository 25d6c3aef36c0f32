"""Base systems that are made from the distribution's packages."""

import os
import select
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from osupgrade.lab.images.bootstrap import Cancelled, _run, debian_mirror
from osupgrade.model.errors import MissingFault

DEB822 = """# snapshot: http://snapshot.example/20250520
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


ONE_LINE = """deb [signed-by=/x.gpg] http://vendor.example/apt bookworm main
deb http://old.example/debian bookworm contrib main
deb-src http://old.example/debian bookworm main
deb http://old.example/debian bookworm-updates main
"""


@pytest.mark.parametrize(
    ("system", "sources", "mirror"),
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", DEB822, "http://mirror.example/debian"),
        ('ID="debian"\nVERSION_CODENAME="bookworm"\n', ONE_LINE, "http://old.example/debian"),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n", DEB822, ""),
        ("ID=debian\nVERSION_CODENAME=trixie\n", DEB822, ""),
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "", ""),
    ],
)
def test_a_debian_hosts_own_mirror_is_found(system, sources, mirror):
    assert debian_mirror(system, sources) == mirror


# Debian, where no registry answers


def test_an_interrupt_ends_a_bootstrap_with_its_children(tmp_path):
    held_by_the_child = tmp_path / "pipe"
    os.mkfifo(held_by_the_child)
    reader = os.open(held_by_the_child, os.O_RDONLY | os.O_NONBLOCK)
    cancelled = threading.Event()

    def cancel_when_it_runs():
        select.select([reader], [], [], 30)
        assert os.read(reader, 3) == b"up\n"
        cancelled.set()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(cancel_when_it_runs)
        with pytest.raises(Cancelled):
            _run(["sh", "-c", f"(echo up; sleep 60) >{held_by_the_child} & wait"], cancelled, "bullseye")
        watching.result()
    assert select.select([reader], [], [], 30)[0] == [reader]  # a child still alive would never end the pipe
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_bootstrap_that_fails_shows_what_it_said():
    with pytest.raises(MissingFault, match="mmdebstrap bullseye failed") as caught:
        _run(["sh", "-c", "echo E: no mirror; exit 1"], threading.Event(), "bullseye")
    assert caught.value.evidence == "E: no mirror"
    assert "OSUPGRADE_DEBIAN_MIRROR" in caught.value.hint
