import io
import os
import re
import select
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import APIError, ImageNotFound

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_releases
from osupgrade.lab.images import ImageError, ImageStore, Recipe, build_order, database_for, load_recipes, tag_of
from osupgrade.lab.images.bootstrap import Cancelled, _run, debian_mirror
from osupgrade.lab.images.build import only_builder
from osupgrade.lab.images.context import build_arguments, final_dockerfile, host_certificates, pack
from osupgrade.lab.images.diagnosis import diagnose, plain_lines
from osupgrade.lab.images.recipe import Input, make_recipe, nearest
from osupgrade.model.errors import Exit, LabFault, MissingFault, UsageFault

IMAGES = root() / "images"
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


def recipe(name: str, *bases: str, data: bytes = b"") -> Recipe:
    return Recipe(name, f"FROM {name}", bases, inputs=(Input("file", data),) if data else ())


def recipes(*some: Recipe) -> dict[str, Recipe]:
    return {one.name: one for one in some}


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


def test_the_context_holds_the_inputs_with_their_modes_and_the_certificates():
    made = Recipe("x", "", inputs=(Input("lab/entry", b"#!", executable=True), Input("a.txt", b"words")))
    with tarfile.open(fileobj=io.BytesIO(pack(made, "FROM y", b"trusted"))) as archive:
        modes = {member.name: member.mode for member in archive}
        assert modes == {"Dockerfile": 0o644, "ca.crt": 0o644, "lab/entry": 0o755, "a.txt": 0o644}
        assert archive.extractfile("ca.crt").read() == b"trusted"


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


def test_the_first_named_bundle_that_exists_is_trusted(tmp_path):
    (tmp_path / "pip.pem").write_text("pip's")
    environment = {"SSL_CERT_FILE": str(tmp_path / "gone"), "PIP_CERT": str(tmp_path / "pip.pem")}
    assert host_certificates(environment) == b"pip's"
    assert b"BEGIN CERTIFICATE" in host_certificates({})


def test_a_build_gets_the_proxies_and_only_the_mirrors_it_takes():
    environment = {"PIP_INDEX_URL": "i", "npm_config_registry": "n", "https_proxy": "p", "NO_PROXY": "", "HOME": "/h"}
    assert build_arguments(Recipe("x", "", arguments=("LAB_PIP_INDEX",)), environment) == {
        "LAB_PIP_INDEX": "i",
        "https_proxy": "p",
    }
    assert build_arguments(Recipe("x", "", arguments=("NPM_CONFIG_REGISTRY", "OWN")), environment) == {
        "NPM_CONFIG_REGISTRY": "n",
        "https_proxy": "p",
    }


# Failures


def test_output_is_read_without_colours_and_progress_bars():
    assert plain_lines("\x1b[91mone\x1b[0m\n 10%\r 20%\r\n\n  two  \n") == ["one", " 10%", " 20%", "  two"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("write /x: no space left on device", "the disk is full"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "a file that differs from the pinned one"),
        ("sha512sum: WARNING: 1 computed checksum did NOT match", "a file that differs from the pinned one"),
        ("ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED]", "SSL_CERT_FILE"),
        ("Retrying after 'SSLError([X509: NO_CERTIFICATE_OR_CRL_FOUND])'", "SSL_CERT_FILE"),
        ("npm ERR! code SELF_SIGNED_CERT_IN_CHAIN", "SSL_CERT_FILE"),
        ("Err:1 Temporary failure resolving 'mirror'", "OSUPGRADE_DEBIAN_MIRROR"),
        ("npm ERR! network ETIMEDOUT", "NPM_CONFIG_REGISTRY"),
        ("error: command 'gcc' failed", "osupgrade images build grizzly"),
    ],
)
def test_a_failed_build_says_what_to_do_and_shows_its_last_lines(output, said):
    fault = diagnose("grizzly", "3/7 RUN x", output)
    assert said in f"{fault.message} {fault.hint}"
    assert "3/7 RUN x" in fault.message
    assert fault.evidence == output
    assert fault.status == Exit.MISSING


class FakeEngine:
    """An engine that builds what it is told, and fails where it is told to."""

    def __init__(self, failing: dict[str, list] | None = None, slow: str = "") -> None:
        self.tags: set[str] = set()
        self.built: list[str] = []
        self.tidied: list[str] = []
        self.failing = failing or {}
        self.slow, self.others_done = slow, threading.Event()
        self.images = self.api = self

    def get(self, tag: str) -> object:
        if tag not in self.tags:
            raise ImageNotFound(tag)
        return object()

    def build(self, *, fileobj, tag, **options):
        assert options["forcerm"] and options["rm"] and options["nocache"]
        name = tag.removeprefix("osupgrade/").partition(":")[0]
        if name == self.slow:
            assert self.others_done.wait(10), "the others are not built side by side with it"
        yield {"stream": "Step 1/2 : RUN something\n"}
        for message in self.failing.get(name, []):
            if isinstance(message, Exception):
                raise message
            yield message
            if "error" in message:
                return
        self.tags.add(tag)
        self.built.append(name)
        if set(self.built) >= {"a", "b"}:
            self.others_done.set()

    def list(self, filters):
        assert filters["dangling"]
        self.tidied.append(filters["label"])
        return []


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


ALL = recipes(recipe("base"), recipe("a", "base"), recipe("b", "base"), recipe("slow", "base"), recipe("late", "slow"))


@pytest.mark.usefixtures("cache")
def test_images_are_built_side_by_side_after_what_they_build_on():
    engine = FakeEngine(slow="slow")
    told = []
    tags = ImageStore(engine, ALL).ensure(["late", "a", "b"], told.append)
    assert tags == {name: tag_of(ALL, name) for name in ("late", "a", "b")}
    assert engine.built[0] == "base"
    assert engine.built[-2:] == ["slow", "late"]
    assert {p.image for p in told if p.state == "built"} == set(engine.built)
    assert "image a: 1/2 RUN something" in [str(p) for p in told]
    tokens = [label for label in engine.tidied if label.startswith("org.osupgrade.build=")]
    assert len(tokens) == len(set(tokens)) == 5


@pytest.mark.usefixtures("cache")
def test_what_is_present_is_not_built_again():
    engine = FakeEngine()
    store = ImageStore(engine, ALL)
    store.ensure(["a"])
    told = []
    store.ensure(["a", "b"], told.append)
    assert engine.built == ["base", "a", "b"]
    assert (told[0].image, told[0].state) == ("a", "present")


def test_an_image_that_this_machine_cannot_have_is_refused_before_anything_is_built():
    engine = FakeEngine()
    engine.info = lambda: {"Architecture": "aarch64"}
    only = replace(recipe("only", "base"), architectures=("x86_64",), instead="a", reason="a binary")
    with pytest.raises(UsageFault, match="only cannot be built on aarch64: a binary") as caught:
        ImageStore(engine, {**ALL, "only": only}).ensure(["a", "only"])
    assert caught.value.hint == "take a"
    assert not engine.built


@pytest.mark.usefixtures("cache")
def test_one_command_waits_for_another_that_builds_the_same():
    engine = FakeEngine()
    told = []
    with only_builder("a", lambda: None):

        def meanwhile(progress):
            told.append(progress)
            if "waiting" in progress.step:
                engine.tags.add(tag_of(ALL, "a"))  # the other command has built it, and lets go
                release.set()

        release = threading.Event()
        results = []
        thread = threading.Thread(target=lambda: results.append(ImageStore(engine, ALL).ensure(["a"], meanwhile)))
        thread.start()
        assert release.wait(10)
    thread.join(10)
    assert results == [{"a": tag_of(ALL, "a")}]
    assert engine.built == ["base"]


@pytest.mark.usefixtures("cache")
def test_a_failure_stops_what_builds_on_it_lets_the_others_end_and_tidies_up():
    engine = FakeEngine({"slow": [{"stream": "gcc says no\n"}, {"error": "returned a non-zero code: 1"}]})
    told = []
    with pytest.raises(ImageError, match="building the image slow failed at 1/2 RUN something") as caught:
        ImageStore(engine, ALL).ensure(["slow", "late", "a"], told.append)
    assert caught.value.evidence.splitlines()[-2:] == ["gcc says no", "returned a non-zero code: 1"]
    assert "late" not in engine.built
    assert "a" in engine.built
    assert len([label for label in engine.tidied if "build=" in label]) == len({*engine.built, "slow"})
    assert [p.image for p in told if p.state == "failed"] == ["slow"]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (APIError("write /var/lib: no space left on device"), "the disk is full"),
        (ConnectionRefusedError("docker.sock"), "the engine did not answer"),
    ],
)
def test_an_engine_that_fails_is_no_traceback(failure, said):
    with pytest.raises(ImageError, match=said):
        ImageStore(FakeEngine({"a": [failure]}), ALL).ensure(["a"])


@pytest.mark.usefixtures("cache")
def test_a_fault_of_our_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        ImageStore(FakeEngine({"a": [ZeroDivisionError()]}), ALL).ensure(["a"])


@pytest.mark.usefixtures("cache")
def test_an_interrupt_comes_through_at_once():
    engine = FakeEngine(slow="slow")

    def interrupt(progress):
        if progress.image == "slow":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ImageStore(engine, ALL).ensure(["slow"], interrupt)
    engine.others_done.set()
    assert "slow" not in engine.built


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


# The launcher, which Python 2.7 runs as well: tests/lab does that

PROGRAM = """import sys
def plain(): print(sys.argv)
def number(): return 3
def words(): sys.exit("no such thing")
def status(): sys.exit(7)
def boom(): raise ValueError("boom")
def spoken(): print(_("hello"))
class Tool:
    @staticmethod
    def run(): print("a method")
if __name__ == "__main__": print("main", sys.argv); sys.exit(5)
"""


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [
        (["prog:plain", "-a", "b:c"], 0, "['prog', '-a', 'b:c']"),
        (["prog:number"], 3, ""),
        (["prog:words"], 1, "no such thing"),
        (["prog:status"], 7, ""),
        (["prog:boom"], 1, "ValueError: boom"),
        (["prog:Tool.run"], 0, "a method"),
        (["--gettext", "prog", "prog:spoken"], 0, "hello"),
        (["prog:spoken"], 1, "name '_' is not defined"),
        (["-m", "prog", "x"], 5, "prog.py', 'x']"),
        (["prog.py", "x"], 5, "main ['prog.py', 'x']"),
        (["prog:missing"], 1, "AttributeError"),
        (["missing:x"], 1, "No module named"),
        (["missing.py"], 1, "missing.py"),
        (["-m"], 2, "usage: launch.py"),
        ([], 2, "usage: launch.py"),
    ],
)
def test_the_launcher_runs_what_an_entry_stands_for_and_passes_its_status_on(tmp_path, arguments, status, output):
    (tmp_path / "prog.py").write_text(PROGRAM)
    command = [sys.executable, str(IMAGES / "lab/launch.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert output in done.stdout + done.stderr


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
