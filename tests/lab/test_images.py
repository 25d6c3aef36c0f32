"""Images on a real engine: a small build of our own, and the database servers that the lab runs."""

import time

import docker
import pytest

from osupgrade.lab.images import ImageError, ImageStore, Recipe, build, database_for, load_recipes
from osupgrade.lab.images.context import host_certificates
from osupgrade.lab.images.recipe import Input
from osupgrade.model.errors import MissingFault

TWO_STAGES = """FROM osupgrade/base AS build
COPY ca.crt /build/
RUN test -s /build/ca.crt && cp /build/ca.crt /trusted
FROM osupgrade/base
COPY words /opt/
RUN grep -q {expected} /opt/words
"""


def small(words: bytes, expected: str = "hello") -> dict[str, Recipe]:
    """The base, and an image on it that is built within a few seconds."""
    text = TWO_STAGES.format(expected=expected)
    return {
        "base": load_recipes()["base"],
        "try-images-small": Recipe("try-images-small", text, bases=("base",), inputs=(Input("words", words),)),
    }


@pytest.fixture
def cleaned(client):
    yield
    for image in client.images.list("osupgrade/try-images-small"):
        for tag in image.tags:
            client.images.remove(tag)


def leavings(client) -> set[str]:
    dangling = client.images.list(filters={"dangling": True, "label": "org.osupgrade.image=try-images-small"})
    containers = client.containers.list(all=True, filters={"label": "org.osupgrade.image=try-images-small"})
    return {str(one.id) for one in [*dangling, *containers]}


@pytest.mark.usefixtures("cleaned")
def test_a_long_step_is_told_of_while_it_lasts_and_its_time_is_remembered(client, monkeypatch, tmp_path):
    monkeypatch.setattr(build, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(build, "cache_directory", lambda: tmp_path)
    told = []
    ImageStore(client, small(b"hello\n")).ensure(["try-images-small"], told.append)
    beats = [progress for progress in told if progress.beat]
    assert beats and all(progress.left is None for progress in beats)
    assert [p.seconds for p in told] == sorted(p.seconds for p in told)
    again = []
    ImageStore(client, small(b"hello, hello\n")).ensure(["try-images-small"], again.append)
    first = next(progress for progress in again if progress.beat)
    assert first.left == pytest.approx(told[-1].seconds - first.seconds, abs=0.1)


@pytest.mark.usefixtures("cleaned")
def test_a_build_happens_once_and_again_when_an_input_changes(client):
    store = ImageStore(client, small(b"hello\n"))
    told = []
    tags = store.ensure(["try-images-small"], told.append)
    assert client.images.get(tags["try-images-small"]).labels["org.osupgrade.image"] == "try-images-small"
    assert told[-1].state == "built"
    (info,) = [image for image in store.list() if image.name == "try-images-small"]
    assert info.present and info.size > 1_000_000 and info.created is not None

    again = []
    assert store.ensure(["try-images-small"], again.append) == tags
    assert [progress.state for progress in again] == ["present"]

    other = ImageStore(client, small(b"hello, other\n"))
    assert not other.present("try-images-small")
    assert other.ensure(["try-images-small"]) != tags
    assert not leavings(client)


@pytest.mark.usefixtures("cleaned")
def test_the_hosts_certificates_are_in_no_layer_of_the_image(client):
    tag = ImageStore(client, small(b"hello\n")).ensure(["try-images-small"])["try-images-small"]
    found = client.containers.run(tag, ["sh", "-c", "find / -xdev -name ca.crt -o -xdev -name trusted"], remove=True)
    assert found == b""
    assert "ca.crt" not in str(client.images.get(tag).history())


@pytest.mark.usefixtures("cleaned")
def test_a_build_that_fails_shows_its_last_lines_and_leaves_nothing_behind(client):
    store = ImageStore(client, small(b"hello\n", expected="goodbye"))
    with pytest.raises(ImageError, match=r"try-images-small failed at \d+/\d+ RUN grep") as caught:
        store.ensure(["try-images-small"])
    assert "returned a non-zero code: 1" in caught.value.evidence
    assert not store.present("try-images-small")
    assert not leavings(client)


def test_the_images_that_a_release_runs_in_hold_no_certificates_of_the_host(client):
    """Whatever is already built on this machine: nothing is built for it."""
    size = len(host_certificates())
    store = ImageStore(client)
    for image in store.list():
        if image.present:
            find = ["/", "-xdev", "-path", "/build*", "-o", "-xdev", "-size", f"{size}c"]
            found = client.containers.run(image.tag, find, entrypoint="find", user="root", remove=True)
            assert found == b"", image.tag


# The runtimes

PROGRAM = """
import sys
def words(): sys.exit("no such thing")
def boom(): raise ValueError("boom")
def spoken(): print(_("hello %s" % sys.argv[1:]))
if __name__ == "__main__": print(sys.argv); sys.exit(5)
"""


@pytest.mark.parametrize(("runtime", "python"), [("python27", "python2.7"), ("python311", "python3")])
def test_the_launcher_works_on_every_runtime(client, runtime, python):
    image = ImageStore(client).ensure([runtime], print)[runtime]
    script = f"""cd /tmp; cat >prog.py <<'EOF'
{PROGRAM}
EOF
export PYTHONPATH=/tmp:$PYTHONPATH
for entry in prog:words prog:boom "--gettext prog prog:spoken -a b:c" "-m prog x" "prog.py y"; do
    {python} /opt/lab/launch.py $entry; echo "status $?"
done
{python} -c 'import ssl; print(ssl.PROTOCOL_SSLv23 is not None)'
"""
    lines = client.containers.run(image, ["sh", "-c", script], stderr=True, remove=True).decode().splitlines()
    assert [line for line in lines if line.startswith("status")] == [f"status {n}" for n in (1, 1, 0, 5, 5)]
    assert "no such thing" in lines and "ValueError: boom" in lines
    assert "hello ['-a', 'b:c']" in lines and "['prog.py', 'y']" in lines
    assert lines[-1] == "True"


# The database servers, as their entry script starts them


@pytest.fixture(scope="module")
def database(client) -> str:
    name, _ = database_for(client.info()["Architecture"], "mysql56")
    return ImageStore(client).ensure([name], print)[name]


class Server:
    """One server in a container of its own."""

    def __init__(self, client: docker.DockerClient, image: str, password: str, *options: str, **environment: str):
        self.password = password
        self.container = client.containers.create(
            image,
            list(options),
            environment={"LAB_ROOT_PASSWORD": password, **environment},
            tmpfs={"/var/lib/mysql": ""},
            labels={"org.osupgrade.test": "images"},
            network_mode="none",
        )

    def __enter__(self):
        self.container.start()
        return self

    def __exit__(self, *_):
        self.container.remove(force=True, v=True)

    def ask(self, sql: str, *client_options: str, host: str = "127.0.0.1") -> str:
        command = ["mysql", "-NB", "-uroot", f"-h{host}", f"-p{self.password}", *client_options, "-e", sql]
        done = self.container.exec_run(command)
        return done.output.decode().strip() if done.exit_code == 0 else f"failed: {done.output.decode().strip()}"

    def wait(self) -> float:
        began = time.monotonic()
        while (answer := self.ask("SELECT 1")) != "1":
            self.container.reload()
            assert self.container.status == "running", self.container.logs().decode()
            assert time.monotonic() < began + 60, answer
        return time.monotonic() - began


def test_the_server_is_up_soon_keeps_strangers_out_and_stops_cleanly(client, database):
    with Server(client, database, 'it\'s a \\ "hard" one%s') as server:
        server.wait()
        assert server.ask("SELECT CURRENT_USER()", host="localhost") == "root@localhost"
        assert server.ask("SELECT CURRENT_USER()") == "root@%"
        assert "Access denied" in server.ask("SELECT 1", "--password=wrong")
        assert "Access denied" in server.ask("SELECT 1", "--password=")
        assert "Access denied" in server.ask("SELECT 1", "--user=anyone", "--password=")
        accounts = server.ask("SELECT CONCAT(user, '@', host) FROM mysql.user WHERE user <> 'mariadb.sys'").split()
        assert sorted(accounts) == ["root@%", "root@localhost"]
        assert "test" not in server.ask("SHOW DATABASES").split()
        settings = server.ask(
            "SELECT @@sql_mode, @@character_set_server, @@collation_server, @@innodb_file_per_table, @@local_infile, "
            "@@max_allowed_packet, @@innodb_flush_log_at_trx_commit, @@log_bin, @@innodb_doublewrite"
        )
        assert settings.split() == ["utf8", "utf8_general_ci", "1", "0", str(256 << 20), "0", "0", "0"]
        began = time.monotonic()
        server.container.stop(timeout=30)
        assert time.monotonic() - began < 20
        server.container.reload()
        assert server.container.attrs["State"]["ExitCode"] == 0


def test_production_settings_and_further_options_reach_the_server(client, database):
    with Server(
        client, database, "x", "--sql-mode=ANSI_QUOTES", "--max-connections=77", LAB_DURABLE="1", LAB_BUFFER_POOL="64M"
    ) as server:
        server.wait()
        settings = server.ask(
            "SELECT @@sql_mode, @@max_connections, @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin, "
            "@@innodb_doublewrite, @@innodb_buffer_pool_size"
        )
        assert settings.split() == ["ANSI_QUOTES", "77", "1", "1", "1", "1", str(64 << 20)]


def test_a_data_directory_keeps_its_rows_over_a_restart_with_another_password(client, database):
    volume = client.volumes.create(labels={"org.osupgrade.test": "images"})
    try:
        for password in ("first", "second"):
            container = client.containers.run(
                database,
                environment={"LAB_ROOT_PASSWORD": password},
                volumes={volume.name: {"bind": "/var/lib/mysql", "mode": "rw"}},
                network_mode="none",
                detach=True,
            )
            server = Server.__new__(Server)
            server.container, server.password = container, password
            try:
                server.wait()
                if password == "first":
                    assert server.ask("CREATE DATABASE kept; CREATE TABLE kept.t AS SELECT 42 AS n") == ""
                    container.stop(timeout=30)
                else:
                    assert server.ask("SELECT n FROM kept.t") == "42"
            finally:
                container.remove(force=True)
    finally:
        volume.remove()


@pytest.mark.parametrize("password", ["", "two\nlines"])
def test_without_a_usable_password_nothing_starts(client, database, password):
    with Server(client, database, password) as server:
        assert server.container.wait()["StatusCode"] == 64
        assert "LAB_ROOT_PASSWORD" in server.container.logs().decode()


REGISTRY = """FROM osupgrade/base12
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker-registry
RUN printf 'version: 0.1\\nstorage:\\n  filesystem:\\n    rootdirectory: /srv\\nhttp:\\n  addr: :5000\\n' >/srv/config.yml
"""


@pytest.fixture
def registry(client):
    """A real registry in a container; its address."""
    recipes = {
        "base12": load_recipes()["base12"],
        "try-images-registry": Recipe("try-images-registry", REGISTRY, bases=("base12",)),
    }
    tag = ImageStore(client, recipes).ensure(["try-images-registry"])["try-images-registry"]
    command = ["docker-registry", "serve", "/srv/config.yml"]
    container = client.containers.run(tag, command, detach=True, ports={"5000/tcp": ("127.0.0.1", None)})
    try:
        container.reload()
        where = f"127.0.0.1:{container.ports['5000/tcp'][0]['HostPort']}"
        deadline = time.monotonic() + 30
        while b"listening on" not in container.logs():
            assert time.monotonic() < deadline, container.logs()
        yield where
    finally:
        container.remove(force=True)
        client.images.remove(tag)


@pytest.mark.usefixtures("cleaned")
def test_a_team_builds_an_image_once(client, registry, monkeypatch):
    monkeypatch.setenv("OSUPGRADE_REGISTRY", registry)
    told = []
    tag = ImageStore(client, small(b"hello\n")).ensure(["try-images-small"], told.append)["try-images-small"]
    built = str(client.images.get(tag).id)
    assert "pushing to" in told[-2].step
    client.images.remove(tag)
    told.clear()
    ImageStore(client, small(b"hello\n")).ensure(["try-images-small"], told.append)
    assert [progress.step for progress in told] == [f"asking {registry}", f"pulled from {registry}"]
    assert str(client.images.get(tag).id) == built
    assert not client.images.list(f"{registry}/osupgrade/try-images-small")


@pytest.mark.usefixtures("cleaned")
def test_a_registry_that_does_not_answer_is_said_with_what_to_do(client, monkeypatch):
    monkeypatch.setenv("OSUPGRADE_REGISTRY", "127.0.0.1:9")
    with pytest.raises(MissingFault, match=r"cannot pull 127\.0\.0\.1:9/osupgrade/try-images-small") as caught:
        ImageStore(client, small(b"hello\n")).ensure(["try-images-small"])
    assert "Unset OSUPGRADE_REGISTRY" in caught.value.hint
