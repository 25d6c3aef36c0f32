"""Freezing a release's libraries: ``python -m tools.freeze RELEASE LIST``, into ``images/RELEASE/requirements.txt``.

LIST holds ``NAME==VERSION`` lines, all that the release needs. With ``--constraints FILE``, such as a release's
upper-constraints.txt, LIST names only what is wanted, and what that needs is looked up. Needs ``uv`` on the PATH.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from osupgrade.catalog.content import images
from osupgrade.cli import guarded
from osupgrade.model.errors import MissingFault, UsageFault

_PIN = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*={2,3}\s*([^\s;#]+)\s*(?:;(.*))?$")
_INSTALLERS = ("pip", "wheel")
"""What an environment has of its own."""


def pins(lines: Iterable[str], without: Sequence[str] = _INSTALLERS) -> list[str]:
    """The ``NAME==VERSION`` of a list, as upper-constraints.txt and ``pip freeze`` write them; markers are left out."""
    found = (_PIN.match(line) for line in lines)
    return [f"{m[1]}=={m[2]}" for m in found if m and normal(m[1]) not in map(normal, without)]


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def command(wanted: Path, out: Path, python: str, constraints: Path | None, overrides: Path | None) -> list[str]:
    """The call that freezes ``wanted``; without constraints nothing is looked up, so the list must be complete."""
    more = ["--constraints", str(constraints)] if constraints else ["--no-deps"]
    more += ["--overrides", str(overrides)] if overrides else []
    plain = ["--no-annotate", "--no-header", "--quiet", "--generate-hashes"]
    return ["uv", "pip", "compile", *plain, "--python-version", python, *more, str(wanted), "--output-file", str(out)]


def freeze(release: str, listed: Path, python: str, constraints: Path | None, overrides: Path | None) -> Path:
    """Write the release's requirements.txt; raises Fault where the list or uv does not do."""
    directory = images() / release
    if not (directory / "release.toml").is_file():
        raise UsageFault(f"there is no {directory / 'release.toml'}", hint="write the release's description first")
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        lines = listed.read_text("utf-8").splitlines()
        wanted.write_text("\n".join(lines if constraints else pins(lines)) + "\n", "utf-8")
        limits = None
        if constraints:
            limits = Path(scratch) / "constraints.txt"
            names = [re.split(r"[\s=<>!~;\[]", line, maxsplit=1)[0] for line in lines]
            text = constraints.read_text("utf-8").splitlines()
            limits.write_text("\n".join(pins(text, (*_INSTALLERS, *names))) + "\n", "utf-8")
        out = directory / "requirements.txt"
        try:
            done = subprocess.run(command(wanted, out, python, limits, overrides), check=False)
        except FileNotFoundError as fault:
            raise MissingFault("uv is not installed", hint="pip install uv") from fault
        if done.returncode:
            raise UsageFault(f"uv cannot freeze {listed} for {release}")
    return out


def main() -> int:
    """Freeze what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release")
    parser.add_argument("list", type=Path)
    parser.add_argument("--python", default="3.11", help="the runtime's version; 3.9 for Python 2.7, too")
    parser.add_argument("--constraints", type=Path)
    parser.add_argument("--overrides", type=Path)
    given = parser.parse_args()
    print(freeze(given.release, given.list, given.python, given.constraints, given.overrides))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
