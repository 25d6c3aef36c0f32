"""Images are built once, side by side, after what they build on."""

import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from docker.errors import APIError, ImageNotFound

from osupgrade.lab.images import ImageError, ImageStore, tag_of
from osupgrade.lab.images.build import only_builder
from osupgrade.model.errors import UsageFault

from ._recipes import IMAGES, recipe, recipes


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
