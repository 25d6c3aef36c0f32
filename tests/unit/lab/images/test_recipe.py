"""What an image is made of, and the tag that follows from it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.lab.images import Recipe, build_order, database_for, load_recipes, tag_of
from osupgrade.lab.images.context import final_dockerfile
from osupgrade.lab.images.recipe import Input, make_recipe, nearest
from osupgrade.model.errors import LabFault, UsageFault

from ._recipes import IMAGES, recipe, recipes

TWO_STAGES = """# a comment that says FROM nothing
FROM osupgrade/tools AS build
ARG LAB_PIP_INDEX
COPY ca.crt lab/launch.py requirements.txt \\
     /build/
RUN true
FROM build AS again
FROM debian:bullseye-slim
COPY --from=again /opt/venv /opt/venv
COPY --chown=a:b lab/entry /opt/
"""


def nothing(_: str) -> bool:
    return False


# What a Dockerfile says


def test_a_recipe_takes_its_bases_inputs_and_arguments_from_the_dockerfile():
    made = make_recipe("x", TWO_STAGES, lambda path: Input(path, b"data"))
    assert made.bases == ("tools",)
    assert made.outside == ("debian:bullseye-slim",)
    assert [part.path for part in made.inputs] == ["lab/launch.py", "requirements.txt", "lab/entry"]
    assert made.arguments == ("LAB_PIP_INDEX",)


def test_the_engine_gets_full_tags_and_every_stage_a_label():
    made = make_recipe("x", TWO_STAGES, lambda path: Input(path, b""))
    text = final_dockerfile(made, {"osupgrade/tools": "osupgrade/tools:123", "debian:bullseye-slim": "a:b"}, "token")
    starts = [line for line in text.splitlines() if line.startswith("FROM")]
    assert starts == ["FROM osupgrade/tools:123 AS build", "FROM build AS again", "FROM a:b"]
    assert text.count('LABEL org.osupgrade.image="x" org.osupgrade.build="token"') == 3


# Tags


def test_a_tag_changes_with_everything_it_depends_on_and_with_nothing_else():
    before = recipes(recipe("base", data=b"1"), recipe("middle", "base"), recipe("top", "middle"), recipe("other"))
    after = {**before, "base": replace(before["base"], inputs=(Input("file", b"2"),))}
    assert tag_of(before, "top").startswith("osupgrade/top:")
    for name in ("base", "middle", "top"):
        assert tag_of(before, name) != tag_of(after, name)
    assert tag_of(before, "other") == tag_of(after, "other")


@pytest.mark.parametrize(
    "change",
    [
        {"dockerfile": "FROM x\nRUN true"},
        {"inputs": (Input("file", b"1", executable=True),)},
        {"inputs": (Input("renamed", b"1"),)},
        {"inputs": (Input("fil", b"e1"),)},
        {"inputs": ()},
    ],
)
def test_a_tag_changes_with_the_recipe(change):
    one = Recipe("x", "FROM x", inputs=(Input("file", b"1"),))
    assert tag_of(recipes(one), "x") != tag_of(recipes(replace(one, **change)), "x")


# What is built, and after what


def test_each_image_is_built_after_what_it_builds_on_and_once():
    all_ = recipes(recipe("a", "c"), recipe("b", "c"), recipe("c", "d"), recipe("d"), recipe("unasked"))
    order = build_order(all_, ["a", "b", "a"], nothing)
    assert sorted(order) == ["a", "b", "c", "d"]
    assert all(order.index(base) < order.index(name) for name in order for base in all_[name].bases)


def test_what_a_present_image_was_built_from_is_not_asked_for():
    all_ = recipes(recipe("top", "middle"), recipe("middle", "base"), recipe("base"))
    assert build_order(all_, ["top"], {"middle"}.__contains__) == ("top",)
    assert build_order(all_, ["top"], {"top"}.__contains__) == ()


def test_an_unknown_image_and_a_circle_are_refused():
    with pytest.raises(UsageFault, match="there is no image 'nope'") as caught:
        build_order(recipes(recipe("a")), ["nope"], nothing)
    assert "a" in caught.value.hint
    with pytest.raises(LabFault, match="a -> b -> a"):
        build_order(recipes(recipe("a", "b"), recipe("b", "a")), ["a"], nothing)


# The directory tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "lab/entry": "#!/bin/sh\n",
        "base/Dockerfile": "FROM debian:bullseye-slim\nCOPY lab/entry /opt/\n",
        "py/Dockerfile": "FROM osupgrade/base\n",
        "py/Dockerfile.build": "FROM osupgrade/py\nRUN install compilers\n",
        "py/Dockerfile.release": "FROM osupgrade/py-build AS b\nCOPY requirements.txt /\nFROM osupgrade/py\n",
        "alpha/release.toml": 'runtime = "py"\nfurther = "keys"\n',
        "alpha/requirements.txt": "a==1\n",
        "beta/release.toml": 'runtime = "py"\n',
        "beta/requirements.txt": "a==2\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "lab/entry").chmod(0o755)
    return tmp_path


def fresh(tree: Path) -> dict[str, Recipe]:
    load_recipes.cache_clear()
    return dict(load_recipes(tree))


def test_releases_share_their_runtimes_recipe_and_have_their_own_requirements(tree):
    found = fresh(tree)
    assert sorted(found) == ["alpha", "base", "beta", "py", "py-build"]
    assert found["alpha"].bases == found["beta"].bases == ("py-build", "py")
    assert found["alpha"].inputs == (Input("requirements.txt", b"a==1\n"),)
    assert found["base"].inputs == (Input("lab/entry", b"#!/bin/sh\n", executable=True),)
    assert tag_of(found, "alpha").partition(":")[2] != tag_of(found, "beta").partition(":")[2]


def test_a_release_file_changes_no_tag_and_requirements_change_one(tree):
    before = fresh(tree)
    (tree / "alpha/release.toml").write_text('runtime = "py"\nfurther = "other"\n')
    (tree / "beta/requirements.txt").write_text("a==3\n")
    after = fresh(tree)
    changed = [name for name in before if tag_of(before, name) != tag_of(after, name)]
    assert changed == ["beta"]


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("py/Dockerfile", "FROM osupgrade/base\nCOPY lab/gone /\n", r"copies lab/gone"),
        ("py/Dockerfile", "FROM osupgrade/gone\n", r"the image py builds on gone"),
        ("alpha/release.toml", "version = 1\n", r"alpha/release.toml lacks the key 'runtime'"),
        ("alpha/release.toml", 'runtime = "perl"\n', r"the image alpha needs .*perl/Dockerfile.release"),
        ("alpha/release.toml", "runtime = \n", r"alpha/release.toml: not valid TOML"),
        ("py/image.toml", 'instead = "gone"\n', r"the image py builds on gone"),
    ],
)
def test_a_broken_tree_is_named(tree, file, text, complaint):
    (tree / file).write_text(text)
    with pytest.raises((LabFault, UsageFault), match=complaint):
        fresh(tree)


def test_there_is_a_recipe_for_every_release_and_database_of_the_repository():
    found = load_recipes()
    for name, release in load_releases().items():
        assert release.runtime in found[name].bases
        assert "requirements.txt" in [part.path for part in found[name].inputs]
    assert {"mysql56", "mariadb105", "mariadb1011", "rabbitmq"} <= set(found)


@pytest.mark.parametrize(
    "file", sorted(IMAGES.glob("*/requirements.txt")) + sorted(IMAGES.glob("python*/*.txt")), ids=str
)
def test_every_requirement_has_one_version_and_hashes(file):
    for requirement in re.sub(r"\\\n", " ", file.read_text()).splitlines():
        assert re.fullmatch(r"\S+==\S+(\s+--hash=sha256:[0-9a-f]{64})+\s*", requirement), requirement


def test_no_recipe_names_a_host():
    for name, one in load_recipes().items():
        for text in (one.dockerfile, *(part.data.decode() for part in one.inputs)):
            assert not re.search(r"://(?!/)", text), name


# Machines


def test_mysql56_is_replaced_where_it_does_not_exist_and_says_why():
    assert database_for("x86_64", "mysql56") == ("mysql56", "")
    assert database_for("amd64", "mysql56") == ("mysql56", "")
    name, reason = database_for("aarch64", "mysql56")
    assert name == "mariadb105"
    assert "x86-64 only" in reason and "aarch64" in reason
    assert database_for("aarch64", "mariadb105") == ("mariadb105", "")
    with pytest.raises(UsageFault):
        database_for("x86_64", "oracle")


@pytest.mark.parametrize(
    ("said", "names", "image"),
    [
        ("", ("mysql56", "mariadb105"), "mysql56"),
        ("5.5.31-0ubuntu0.12.04.1", ("mysql56", "mariadb105"), "mysql56"),
        ("8.0.36", ("mysql56", "mariadb105"), "mysql56"),
        ("10.1.48-MariaDB", ("mysql56", "mariadb105"), "mariadb105"),
        ("5.5.5-10.6.18-MariaDB", ("mariadb1011", "mariadb118", "mysql97"), "mariadb1011"),
        ("11.4.2-MariaDB", ("mariadb1011", "mariadb118", "mysql97"), "mariadb118"),
        ("8.0.36-0ubuntu0.22.04.1", ("mariadb1011", "mariadb118", "mysql97"), "mysql97"),
        ("no version", ("mariadb1011", "mysql97"), "mariadb1011"),
    ],
)
def test_the_server_of_a_dump_is_the_one_that_is_most_like_its_own(said, names, image):
    assert nearest(names, said) == image
