"""A controller upgraded in place: a container of an old release's runtime that gets packages of the new one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from packaging.utils import canonicalize_name

from osupgrade.catalog.packages.needs import Asked, Library, Need, forced, read_need
from osupgrade.lab.engine import read_file
from osupgrade.lab.release_container import PYTHON, ReleaseContainer, Workshop
from osupgrade.model.errors import LabFault

_TARBALL = "/tmp/packages.tar"

_SHELF = """
from __future__ import print_function
import json, sys
try:
    from importlib.metadata import distributions
    found = [(d.metadata["Name"], d.version, list(d.requires or ())) for d in distributions()]
except ImportError:
    import pkg_resources
    found = [(d.project_name, d.version, [str(r) for r in d.requires()]) for d in pkg_resources.working_set]
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "found": found}))
"""

_FILES = """
from __future__ import print_function
import csv, os, re, shutil, sys, sysconfig, tarfile
site = sysconfig.get_paths()["purelib"]
plain = lambda name: re.sub("[-_.]+", "-", name).lower()
wanted = set(sys.argv[2:])
infos = [d for d in os.listdir(site) if d.endswith(".dist-info") and plain(d.split("-")[0]) in wanted]
paths = sorted(set(row[0] for d in infos for row in csv.reader(open(os.path.join(site, d, "RECORD")))))
paths = [p for p in paths if not p.startswith("..") and os.path.exists(os.path.join(site, p))]
if sys.argv[1] == "remove":
    for path in paths:
        os.remove(os.path.join(site, path))
    for info in infos:
        shutil.rmtree(os.path.join(site, info), ignore_errors=True)
else:
    with tarfile.open(sys.argv[1], "w") as tar:
        for path in paths:
            tar.add(os.path.join(site, path), path)
print(site)
"""


def shelf_of(container: ReleaseContainer) -> Mapping[str, Library]:
    """Every distribution that a container has, with what its own metadata requires; by PyPI's normal name."""
    run = container.run([PYTHON, "-c", _SHELF], workdir="/tmp")
    if not run.ok:
        raise LabFault("cannot read the packages of a release's runtime", evidence=run.output)
    data = json.loads(run.output.strip().splitlines()[-1])
    environment = {"python_version": data["python"]}
    return {
        (key := canonicalize_name(name)): Library(key, version, _needs(key, lines, environment))
        for name, version, lines in data["found"]
    }


def asked_by(workshop: Workshop, name: str) -> Asked:
    """What a release's services require, by their own trees or packages, and the libraries of its runtime."""
    release = workshop.releases[name]
    shelf = shelf_of(workshop.release(name))
    needs: list[Need] = []
    for service, part in release.services.items():
        if part.pin:
            tree = workshop.sources.tree(part)
            file = next(f for f in (tree / "requirements.txt", tree / "tools" / "pip-requires") if f.is_file())
            needs += _needs(service, file.read_text("utf-8").splitlines(), {"python_version": "2.7"})
        elif part.package:
            needs += shelf[canonicalize_name(part.package)].needs
    return Asked(name, tuple(needs), shelf)


def upgraded_in_place(workshop: Workshop, path: Sequence[Asked], role: str, *, by_hand: bool) -> ReleaseContainer:
    """A container with the trees of the last release of ``path`` whose environment was made in place.

    It starts as the runtime of the first; for each later release only what is missing is put in. With ``by_hand``
    the last one's packages are brought to what it requires as well. The caller removes the container.
    """
    first, last = path[0], path[-1]
    controller = workshop.separate(last.release, role, runtime=first.release)
    there = {name: library.version for name, library in first.shelf.items()}
    for asked in path[1:]:
        taken = forced(asked, there, by_name=asked is not last or not by_hand)
        _put(controller, workshop.release(asked.release), taken)
        there |= taken
    return controller


def _needs(who: str, lines: Iterable[str], environment: Mapping[str, str]) -> tuple[Need, ...]:
    return tuple(need for line in lines if (need := read_need(who, line, environment)))


def _put(controller: ReleaseContainer, source: ReleaseContainer, names: Iterable[str]) -> None:
    """Put packages out of one container's environment into another's, over what is there."""
    wanted = sorted(names)
    if not wanted:
        return
    packed = source.run([PYTHON, "-c", _FILES, _TARBALL, *wanted], workdir="/tmp")
    removed = controller.run([PYTHON, "-c", _FILES, "remove", *wanted], workdir="/tmp")
    content = read_file(source.container, _TARBALL) if packed.ok else None
    if not removed.ok or content is None:
        raise LabFault("cannot put packages into a controller's environment", evidence=packed.output + removed.output)
    controller.container.put_archive(removed.output.strip().splitlines()[-1], content)
