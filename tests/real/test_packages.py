"""What stays old on a controller upgraded in place, and what that breaks: real libraries, real imports."""

import re

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.packages.judge import known_breaks
from osupgrade.catalog.packages.needs import left_old
from osupgrade.cli import run
from osupgrade.lab.controller import asked_by, upgraded_in_place
from osupgrade.lab.release_container import PYTHON

BREAKS = known_breaks("icehouse")
IMPORT = "import gettext, sys; gettext.install('lab'); __import__(sys.argv[1])"


def imported(container, service, module):
    """The last line of what importing a service's module says."""
    done = container.run(
        [PYTHON, "-c", IMPORT, module], env=container.paths(f"/src/{service}"), workdir=f"/src/{service}"
    )
    return done.output.strip().splitlines()[-1] if not done.ok else ""


@pytest.mark.parametrize("path", sorted({one.path for one in BREAKS}), ids="-".join)
def test_what_is_left_old_breaks_as_it_is_said_and_is_whole_by_hand(laboratory, path):
    workshop = laboratory.workshop
    asked = [asked_by(workshop, release) for release in path]
    there = {name: library.version for name, library in asked[0].shelf.items()}
    left = {one.name: one.version for one in left_old(asked[1:], there)}
    for by_hand in (False, True):
        controller = upgraded_in_place(workshop, asked, f"{'-'.join(path)}-{by_hand}".lower(), by_hand=by_hand)
        try:
            for one in (one for one in BREAKS if one.path == path):
                assert left[one.package] == one.seen
                assert imported(controller, one.service, one.module) == ("" if by_hand else one.error)
        finally:
            laboratory.lab.remove(controller.container)


@pytest.mark.usefixtures("sources", "client")
def test_inspect_names_what_to_update_by_hand(tmp_path, capsys):
    lines = (root() / "images" / "grizzly" / "requirements.txt").read_text("utf-8").splitlines()
    file = tmp_path / "freeze.txt"
    file.write_text("\n".join(line.split()[0] for line in lines if "==" in line))
    assert run(["inspect", "--packages", str(file)]) == 1
    said = capsys.readouterr().out
    older = {one.package for one in BREAKS if one.path[-1] == "icehouse"}
    assert re.search(r"\d+ packages? (is|are) older than icehouse", said)
    assert older and all(package in said for package in older)
