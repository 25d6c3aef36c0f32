"""Every file of the content is closed: a key that nobody reads is refused, with the file, the key and what to do."""

import shutil
from pathlib import Path

import pytest

from osupgrade.catalog import content
from osupgrade.catalog.packages.judge import known_breaks
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.running import load_running
from osupgrade.catalog.services import services
from osupgrade.catalog.site import options
from osupgrade.checks import kept, rows
from osupgrade.lab.images.recipe import load_recipes
from osupgrade.model.errors import UsageFault
from osupgrade.schema import catalogue
from osupgrade.seed.scale import load_scaling
from osupgrade.seed.seeder import load_seeder


def _copied(source, copy):
    """Only what a test may change is a copy."""
    if source.endswith(".toml"):
        shutil.copyfile(source, copy)
    else:
        Path(copy).symlink_to(source)


@pytest.fixture
def images(tmp_path):
    shutil.copytree(content.images(), tmp_path / "images", copy_function=_copied)
    return tmp_path / "images"


@pytest.fixture
def elsewhere(tmp_path, images, monkeypatch):
    """All content in a directory of the test's own, read again."""
    shutil.copytree(content.services(), tmp_path / "services")
    shutil.copy(catalogue.DIRECTORY / "rules.toml", tmp_path)
    monkeypatch.setattr(content, "root", lambda: tmp_path)
    monkeypatch.setattr(content, "_SERVICES", tmp_path / "services")
    monkeypatch.setattr(catalogue, "DIRECTORY", tmp_path)
    caches = (services, options, load_scaling, kept.explained, rows.explained, catalogue.rules)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


def add(file: Path, line: str, after: str = "") -> None:
    """Put a line into a file: at its top, or below the first line that starts with ``after``."""
    lines = file.read_text("utf-8").splitlines()
    place = next((number + 1 for number, each in enumerate(lines) if each.startswith(after)), 0) if after else 0
    lines.insert(place, line)
    file.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize(
    ("after", "line", "says"),
    [
        ("", "runtme = 'x'", r"grizzly/release\.toml: runtme: is not a known key"),
        ("[services.nova]", "has_tabels = ['x']", r"services\.nova\.has_tabels: is not a known key"),
        ("[services.nova]", "volatile = 'x'", r"services\.nova\.volatile: must be a list, not \"x\""),
        ("[[preparations]]", "titel = 'x'", r"preparations\[0\]\.titel: is not a known key"),
    ],
)
def test_release_toml(images, after, line, says):
    add(images / "grizzly" / "release.toml", line, after)
    with pytest.raises(UsageFault, match=says):
        load_releases(images)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('entry = "bin/nova-manage"', 'entrie = "bin/nova-manage"', r"upgrade\[0\]\.entrie: is not a known key"),
        ('head = ["161"]', "head = [161]", r"services\.nova\.databases\[0\]\.head\[0\]: must be text, not 161"),
        ('head = ["161"]', 'head = ["161"], hed = 1', r"services\.nova\.databases\[0\]\.hed: is not a known key"),
    ],
)
def test_what_is_inside_of_a_service(images, old, new, says):
    file = images / "grizzly" / "release.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(UsageFault, match=says):
        load_releases(images)


def test_a_misspelt_key_is_answered_with_the_right_one(images):
    add(images / "grizzly" / "release.toml", "has_tabels = ['x']", "[services.nova]")
    with pytest.raises(UsageFault) as caught:
        load_releases(images)
    assert caught.value.hint == "did you mean has_tables?"


def test_paths_toml(images):
    add(images / "paths.toml", "finnish = 'x'", "[grizzly-icehouse]")
    with pytest.raises(UsageFault, match=r"paths\.toml: grizzly-icehouse: finnish: is not a known key"):
        load_paths(images)


@pytest.mark.parametrize(
    ("after", "line", "says"),
    [
        ("", "brokr = 'x'", "brokr: is not a known key"),
        ("[[process]]", "entri = 'x'", r"process\[0\]\.entri: is not a known key"),
        ("[[process]]", "level = 'none'", r"process\[0\]\.level: must be 'smoke' or 'full'"),
    ],
)
def test_serve_toml(images, after, line, says):
    add(images / "icehouse" / "serve.toml", line, after)
    with pytest.raises(UsageFault, match=says):
        load_running("icehouse", images)


def test_left_old_toml(images):
    add(images / "icehouse" / "left-old.toml", "sen = 'x'", "[[break]]")
    with pytest.raises(UsageFault, match=r"break\[0\]\.sen: is not a known key"):
        known_breaks("icehouse", images)


def test_image_toml(images):
    add(images / "mysql56" / "image.toml", "insted = 'x'")
    with pytest.raises(UsageFault, match=r"mysql56/image\.toml: insted: is not a known key"):
        load_recipes(images)


@pytest.mark.parametrize(
    ("file", "after", "line", "read", "says"),
    [
        ("images/grizzly/seed/seeder.toml", "", "wavs = 1", lambda: load_seeder("grizzly"), "wavs: is not a known"),
        (
            "images/grizzly/seed/scale.toml",
            "[keystone]",
            "shard = 'x'",
            lambda: load_scaling("grizzly"),
            "keystone: shard: is not a known",
        ),
        ("services/nova/service.toml", "", "utf8 = true", services, r"nova/service\.toml: utf8: is not a known"),
        ("services/neutron/site.toml", "[plugin]", "defalt = 1", options, "plugin: defalt: is not a known"),
        ("services/common/kept.toml", "", "tabels = 1", kept.explained, "tabels: is not a known"),
        ("services/common/rows.toml", "[rows]", "x = 1", rows.explained, r"rows\.x: must be text"),
        ("rules.toml", "", "latr = 1", catalogue.rules, "latr: is not a known"),
    ],
)
def test_the_other_files(elsewhere, file, after, line, read, says):
    read()
    for cached in (services, options, load_scaling, kept.explained, rows.explained, catalogue.rules):
        cached.cache_clear()
    add(elsewhere / file, line, after)
    with pytest.raises(UsageFault, match=says):
        read()
