import dataclasses
import json
import threading

import pytest

from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.seed.description import load_description
from osupgrade.seed.seeder import DIRECTORY, load_seeder, seed, seed_digest

GRIZZLY = load_seeder("grizzly")
DATABASES = {name: f"mysql://lab:pw@db/{name}?charset=utf8" for name in GRIZZLY.databases}


@dataclasses.dataclass
class Ran:
    exit_status: int = 0
    output: str = ""
    seconds: float = 1.0


class Container:
    """Remembers what was put into it and what ran in it."""

    def __init__(self, **results):
        self.files = {}
        self.ran = []
        self._results = results
        self._lock = threading.Lock()

    def put(self, path, content):
        self.files[path] = content

    def run(self, argv, env=None, workdir=None):
        script = argv[-2].rpartition("/")[2]
        with self._lock:
            self.ran.append((script, argv, env, workdir))
        return self._results.get(script.removesuffix(".py"), Ran())


def test_every_script_runs_once_wave_after_wave():
    container, said = Container(), []
    done = seed(GRIZZLY, load_description(), container, DATABASES, said.append)
    order = [script for script, *_ in container.ran]
    assert sorted(order) == sorted(script for wave in GRIZZLY.waves for script in wave.values())
    assert set(order[:2]) == {"seed_keystone.py", "seed_quantum.py"}
    assert [entry.seconds for entry in done] == [1.0] * 4
    assert len(said) == 4


def test_a_script_sees_only_its_own_services_tree():
    container = Container()
    seed(GRIZZLY, load_description(), container, DATABASES)
    paths = {script: env["PYTHONPATH"] for script, _argv, env, _workdir in container.ran}
    assert paths["seed_quantum.py"] == "/src/neutron:/opt/lab"
    assert paths["seed_keystone.py"] == "/src/keystone:/opt/lab"


def test_the_scripts_are_told_the_cloud_and_where_it_goes():
    container = Container()
    seed(GRIZZLY, load_description(), container, DATABASES)
    told = json.loads(container.files[f"{DIRECTORY}/cloud.json"])
    assert told["databases"] == DATABASES
    assert told["cloud"] == json.loads(json.dumps(load_description().as_json()))
    for name, content in GRIZZLY.files():
        assert container.files[f"{DIRECTORY}/{name}"] == content


def test_a_failing_script_ends_seeding_with_its_last_lines():
    container = Container(seed_quantum=Ran(1, "first\n" * 100 + "RuntimeError: no port"))
    with pytest.raises(LabFault, match=r"seed_quantum\.py ended with 1") as caught:
        seed(GRIZZLY, load_description(), container, DATABASES)
    assert caught.value.evidence.endswith("RuntimeError: no port")
    assert len(caught.value.evidence.splitlines()) < 50
    assert "seed_cinder.py" not in [script for script, *_ in container.ran]


def test_a_missing_database_is_named_before_anything_is_put_into_the_container():
    container = Container()
    with pytest.raises(UsageFault, match="missing: nova"):
        seed(GRIZZLY, load_description(), container, {k: v for k, v in DATABASES.items() if k != "nova"})
    assert not container.files


def test_a_path_that_begins_in_the_middle_has_no_seeder():
    with pytest.raises(UsageFault, match="grizzly"):
        load_seeder("havana")


def test_the_digest_covers_description_scripts_and_what_the_caller_adds(tmp_path):
    cloud = load_description()
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name, content in (*GRIZZLY.files(), ("seeder.toml", (GRIZZLY.scripts / "seeder.toml").read_bytes())):
        (scripts / name).write_bytes(content)
    copy = dataclasses.replace(GRIZZLY, scripts=scripts)
    before = seed_digest(copy, cloud, "pin")
    assert before == seed_digest(GRIZZLY, cloud, "pin")
    digests = {before, seed_digest(copy, cloud, "other"), seed_digest(copy, dataclasses.replace(cloud, seed=1), "pin")}
    (scripts / "common.py").write_bytes(b"# changed\n")
    digests.add(seed_digest(copy, cloud, "pin"))
    assert len(digests) == 4
