"""The engine's edge without any service code: networks, the database server, what is left behind."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest

from osupgrade.cli import run as command
from osupgrade.lab.connect import connect
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab, put_files, read_file
from osupgrade.lab.images import ImageStore
from osupgrade.lab.leftovers import LABEL, PID_LABEL, RUN_LABEL, leftovers, remove_leftover
from osupgrade.model.errors import Exit, LabFault, MissingFault


@pytest.fixture(scope="module")
def mysql(client):
    return ImageStore(client).ensure(["mysql56"], print)["mysql56"]


@pytest.fixture(scope="module")
def server(client, mysql):
    with Lab(client) as lab, start_database(lab, mysql) as server:
        yield server


def test_the_server_listens_on_127_0_0_1_only(server):
    server.container.reload()
    (published,) = server.container.ports["3306/tcp"]
    assert published["HostIp"] == "127.0.0.1"
    socket.create_connection(("127.0.0.1", server.admin.port), timeout=5).close()


def test_there_is_no_way_out_of_the_labs_network(client, mysql, server):
    script = "timeout 3 bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>/dev/null && echo out || echo shut"
    assert server.shell(script).output.strip() == "shut"
    with Lab(client) as lab:
        container = lab.start(
            mysql, "inside", command=["tail", "-f", "/dev/null"], environment={"LAB_ROOT_PASSWORD": "x"}
        )
        container.reload()
        (network,) = container.attrs["NetworkSettings"]["Networks"]
        assert client.networks.get(network).attrs["Internal"]


def test_the_tool_account_has_rights_on_its_own_databases_only(server):
    server.create("mine")
    grants = " ".join(row[0] for row in server.rows("", "SHOW GRANTS FOR 'lab'@'%'"))
    assert "GRANT USAGE ON *.*" in grants
    assert "GRANT ALL PRIVILEGES ON `mine`.*" in grants


def test_a_snapshot_brings_back_the_very_rows_under_another_name(server):
    server.create("a")
    server.execute("a", "CREATE TABLE t (id INT PRIMARY KEY, word VARCHAR(20), raw BLOB) DEFAULT CHARSET=utf8")
    server.execute("a", "INSERT INTO t VALUES (0, 'Zürich', X'00FF27'), (7, NULL, NULL)")
    server.save(["a"], "one")
    server.load("one", {"a": "b"})
    sql = "SELECT id, HEX(word), HEX(raw) FROM t ORDER BY id"
    assert server.rows("b", sql) == server.rows("a", sql)
    assert len(server.rows("b", sql)) == 2


def test_session_settings_of_one_user_do_not_reach_the_next(server):
    with server.session("mysql") as session:
        session.exec_driver_sql("SET SESSION foreign_key_checks=0")
    assert all(server.rows("", "SELECT @@foreign_key_checks") == [(1,)] for _ in range(4))


def test_two_labs_at_once_never_meet_and_leave_nothing(client, mysql):
    with Lab(client) as one, Lab(client) as two:
        first, second = start_database(one, mysql), start_database(two, mysql)
        first.create("same")
        assert "same" not in second.databases()
        runs = {left.run for left in leftovers(client)}
        assert {one.run_id, two.run_id} <= runs
    assert not {one.run_id, two.run_id} & {left.run for left in leftovers(client)}


def test_a_server_that_dies_is_told_with_what_was_going_on(client, mysql):
    with Lab(client) as lab:
        server = start_database(lab, mysql)
        server.container.kill()
        assert not server.alive()
        with pytest.raises(LabFault, match="container"):
            server.shell("true")


def test_a_container_that_is_paused_is_waited_for(server, monkeypatch):
    listening = threading.Event()
    events = docker.DockerClient.events

    def listened(*arguments, **more):
        stream = events(*arguments, **more)
        listening.set()
        return stream

    monkeypatch.setattr(docker.DockerClient, "events", listened)
    server.container.pause()
    try:
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(server.shell, "echo here")
            assert listening.wait(60)
            server.container.unpause()
            assert run.result(60).output == "here\n"
    finally:
        server.container.reload()
        if server.container.status == "paused":
            server.container.unpause()


def test_a_run_that_is_killed_outright_leaves_nothing_and_one_that_is_kept_stays(client, mysql):
    program = (
        "import sys\nfrom osupgrade.lab.connect import connect\nfrom osupgrade.lab.engine import Lab\n"
        "with Lab(connect()) as lab:\n"
        f"    lab.start({mysql!r}, 'inside', command=['tail', '-f', '/dev/null'], environment={{'LAB_ROOT_PASSWORD': 'x'}})\n"
        "    lab.leave_running() if sys.argv[1] == 'keep' else None\n"
        "    print(lab.run_id, flush=True)\n    sys.stdin.read()\n"
    )
    runs = {}
    for how in ("keep", "drop"):
        child = subprocess.Popen(
            [sys.executable, "-c", program, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None and child.stdin is not None
        runs[how] = child.stdout.readline().strip()
        assert [left for left in leftovers(client) if left.run == runs[how]]
        child.kill()
        child.wait()
        child.stdout.close()
        child.stdin.close()
    until = time.monotonic() + 30
    while [left for left in leftovers(client) if left.run == runs["drop"]]:
        assert time.monotonic() < until, "they are still there"
    kept = [left for left in leftovers(client) if left.run == runs["keep"]]
    assert {left.kind for left in kept} == {"container", "network"}
    for left in kept:
        remove_leftover(client, left)


def test_a_missing_image_says_how_to_build_it(client):
    with Lab(client) as lab, pytest.raises(MissingFault, match="is not built") as caught:
        lab.start("osupgrade/none:none", "none")
    assert caught.value.hint == "osupgrade images build"


def test_files_go_in_and_come_out_through_the_engine(server):
    put_files(server.container, {"/tmp/lab/x": b"\x00y"})
    assert read_file(server.container, "/tmp/lab/x") == b"\x00y"
    assert read_file(server.container, "/tmp/lab/none") is None


def test_no_engine_is_something_missing(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(MissingFault, match=r"no Docker engine answers at unix:///nowhere/docker\.sock"):
        connect()


def test_the_command_line_says_so_in_one_sentence_and_exits_3():
    done = subprocess.run(
        [sys.executable, "-m", "osupgrade", "images", "list"],
        env={"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.MISSING
    assert done.stderr.startswith("osupgrade: no Docker engine answers")
    assert "Traceback" not in done.stderr


def test_clean_names_what_the_engine_keeps_and_removes_the_rest(client, mysql, capsys, monkeypatch):
    ended = subprocess.Popen(["true"])
    ended.wait()
    labels = {LABEL: "1", RUN_LABEL: f"gone{ended.pid}", PID_LABEL: str(ended.pid)}
    used, unused = (
        client.networks.create(f"osupgrade-{ended.pid}-{name}", labels=labels) for name in ("used", "unused")
    )
    stranger = client.containers.run(mysql, ["sleep", "infinity"], entrypoint="", network=used.name, detach=True)
    # Of this test's own run alone: others may be at work on this engine.
    monkeypatch.setattr("osupgrade.cli.doctor.leftovers", lambda client: leftovers(client, f"gone{ended.pid}"))
    try:
        assert command(["clean"]) == Exit.MISSING
        printed = capsys.readouterr()
        assert f"removed network {unused.name}" in printed.out
        assert f"the Docker engine does not remove network {used.name}" in printed.err
    finally:
        stranger.remove(force=True)
    assert command(["clean"]) == Exit.CAME_THROUGH
    assert not {used.name, unused.name} & {network.name for network in client.networks.list()}
