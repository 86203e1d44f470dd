"""Start and end: one process for an address and for a folder, and an end that loses nothing."""

import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

import expect
import service as services
import wire

LIST = "/api/v1/activities"
GOOD = {"userId": "life", "action": "a"}


def test_a_second_server_on_the_address(fresh, make_service):
    """Guards against two servers sharing an address unnoticed: the second says so and ends with 1; the first serves on."""
    second = make_service("--listen", f"127.0.0.1:{fresh.port}").launch()
    assert second.wait_end() == 1
    assert "address" in second.stderr and "in use" in second.stderr and str(fresh.port) in second.stderr
    for _ in range(20):
        with fresh.connect() as connection:
            assert connection.get("/readyz").status == 200


def test_a_second_server_on_the_folder(fresh, make_service):
    """Guards the data folder: a second process does not touch it, and says which one holds it."""
    fresh.record(GOOD)
    second = make_service("--data-dir", fresh.data).launch()
    assert second.wait_end() == 1
    assert str(fresh.process.pid) in second.stderr and str(fresh.data) in second.stderr
    fresh.wait_settled()
    assert len(fresh.walk()) == 1


def test_a_killed_process_leaves_no_shared_memory(fresh):
    """Guards /dev/shm from a file for each kill, made by a library, which a later process with the same number complains of."""
    assert not [path for path in Path("/dev/shm").iterdir() if path.name.endswith(f"-{fresh.process.pid}")]


def test_a_lock_that_somebody_removed(fresh, make_service):
    """Guards the log from people who remove "stale" lock files: a second process is still refused, and nothing is lost."""
    fresh.record(GOOD)
    (fresh.data / "log" / "lock").unlink()
    second = make_service("--data-dir", fresh.data).launch()
    assert second.wait_end() == 1 and "another process" in second.stderr
    fresh.record(GOOD)
    fresh.wait_settled()
    assert len(fresh.walk()) == 2
    fresh.kill()
    fresh.start()
    assert len(fresh.walk()) == 2


@pytest.mark.parametrize("name", ["0000000001.segment", "log-id"])
def test_a_pipe_where_a_file_should_be(make_service, name):
    """Guards the start from files that are none: it ends with words instead of waiting for ever."""
    service = make_service()
    (service.data / "log").mkdir(parents=True)
    os.mkfifo(service.data / "log" / name)
    service.launch()
    assert service.wait_end() == 1 and name in service.stderr


def test_the_address_is_free_again_at_once(make_service):
    """Guards quick restarts on a fixed port, with connections of the process before still about."""
    service = make_service("--listen", f"127.0.0.1:{services.free_port()}").start()
    for end in (service.stop, service.kill, service.stop):
        connections = [service.connect() for _ in range(5)]
        assert all(connection.get("/livez").status == 200 for connection in connections)
        end()
        service.start()
        for connection in connections:
            connection.close()
    service.stop()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(fresh, signal_number):
    """Guards both signals that ask for the end."""
    fresh.record(GOOD)
    fresh.process.send_signal(signal_number)
    assert fresh.wait_end() == 0


def ask_anew(service, path):
    with service.connect() as connection:
        return connection.get(path).status


def test_not_ready_first(make_service):
    """Guards rolling restarts: after SIGTERM the ready probe says 503 at once while requests are still served,
    each as the last of its connection, then it ends."""
    service = make_service("--shutdown-delay", f"{1500 * services.PATIENCE}ms").start()
    with service.connect() as connection, service.connect() as other:
        assert connection.get("/readyz").status == other.get("/readyz").status == 200
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        wire.wait_until(lambda: ask_anew(service, "/readyz") == 503, "it is not ready", 5 * services.PATIENCE)
        assert ask_anew(service, "/livez") == 200
        answer = connection.get("/readyz")
        expect.problem(answer, 503, detail="shutting down")
        assert answer.header("connection") == "close" and connection.is_closed_by_server()
        answer = other.post(LIST, {**GOOD, "id": "late"})
        expect.accepted_one(answer)
        assert answer.header("connection") == "close" and other.is_closed_by_server()
    assert service.wait_end() == 0
    assert 1.4 * services.PATIENCE < time.monotonic() - begun < 8 * services.PATIENCE
    service.start()
    assert service.wait_stored("late")
    service.stop()


def test_an_answer_on_its_way_does_not_end_its_connection(make_service):
    """Guards clients whose answer was made before SIGTERM and says nothing of an end: the connection takes their next
    request, and only the answer to that is the last."""
    service = make_service("--shutdown-delay", f"{4000 * services.PATIENCE}ms").start()
    with service.connect() as connection:
        long = {"userId": "long", "action": "a", "metadata": {"text": "x" * 8000}}
        for _ in range(6):
            assert connection.post(LIST, [long] * 100).status == 202
        wire.wait_until(lambda: service.get("/health").json["worker"]["pending"] == 0, "all stored", 5 * services.PATIENCE)
        connection.send(connection.encode("GET", LIST + "?userId=long&limit=600"))
        assert select.select([connection.socket], [], [], 5 * services.PATIENCE)[0], "no answer begins"
        service.process.send_signal(signal.SIGTERM)
        wire.wait_until(lambda: ask_anew(service, "/readyz") == 503, "it is not ready", 5 * services.PATIENCE)
        answer = connection.read_answer()
        assert len(answer.json["data"]) == 600 and answer.header("connection") is None
        last = connection.get("/livez")
        assert last.status == 200 and last.header("connection") == "close" and connection.is_closed_by_server()
    service.kill()


def test_a_request_under_way_is_finished(make_service):
    """Guards what clients are sending while it ends: the rest is read, recorded and answered, and the connection is closed."""
    service = make_service("--drain-timeout", "10s").start()
    with service.connect() as connection, service.connect() as idle:
        assert idle.get("/livez").status == 200
        request = connection.encode("POST", LIST, {**GOOD, "id": "under-way"})
        connection.send(request[:-10])
        assert service.get("/livez").status == 200
        service.process.send_signal(signal.SIGTERM)
        assert idle.is_closed_by_server()
        assert service.process.poll() is None
        connection.send(request[-10:])
        answer = connection.read_answer()
        assert expect.accepted_one(answer) == "under-way" and answer.header("connection") == "close"
        assert connection.is_closed_by_server()
    assert service.wait_end() == 0
    service.start()
    assert service.wait_stored("under-way")
    service.stop()


def test_a_stuck_client_does_not_hold_the_end(make_service):
    """Guards the end itself: who neither sends nor reads is cut after the time for draining."""
    service = make_service("--drain-timeout", "300ms").start()
    with service.connect() as connection:
        connection.send(connection.head("POST", LIST, [("Content-Length", 100)]))
        assert service.get("/livez").status == 200
        begun = time.monotonic()
        service.stop()
        assert time.monotonic() - begun < 3 * services.PATIENCE


def test_the_end_under_load(make_service, tmp_path):
    """Guards a clean end while many clients send: exit code 0, and whatever was acknowledged is there after the next start."""
    service = make_service().start()
    process = services.start_load(service, tmp_path / "ledger", "--connections", 16, "--seconds", 30)
    time.sleep(0.7 * services.PATIENCE)
    service.stop()
    figures = services.finish_load(process)
    assert figures["acknowledged"] > 0
    service.start()
    code, verdict = services.load("check", service, "--ledger", tmp_path / "ledger")
    assert code == 0, verdict
    service.stop()


def test_many_ends_at_random_times(make_service):
    """Guards the order in which things are taken down: SIGTERM at any time of a start and of the work after it ends with 0."""
    service = make_service().start()
    service.post([GOOD] * 2000)
    service.stop()
    for attempt in range(15):
        service.launch()
        if attempt % 3 == 2:
            service.wait_ready()
            connection = service.connect()
            connection.send(connection.encode("POST", LIST, GOOD) * 20 + connection.encode("GET", f"{LIST}?limit=1000") * 5)
            time.sleep(0.003 * attempt)
            service.stop()
            connection.close()
        else:
            # Until the program blocks the signal it ends by it, which is as clean: nothing was begun.
            time.sleep(0.004 * attempt)
            service.process.send_signal(signal.SIGTERM)
            assert service.wait_end() in (0, -signal.SIGTERM), service.stderr


def test_a_pause_of_the_process(fresh):
    """Guards against time that passes without it (a suspended machine): it goes on where it was, and nothing is lost or cut."""
    answers = []

    def post_on():
        with fresh.connect() as connection:
            for number in range(40):
                answers.append(connection.post(LIST, {**GOOD, "id": f"pause-{number}"}).status)
                time.sleep(0.02)

    client = threading.Thread(target=post_on)
    client.start()
    wire.wait_until(lambda: answers, "it is under way")
    fresh.process.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    during = len(answers)
    fresh.process.send_signal(signal.SIGCONT)
    client.join(30)
    assert answers == [202] * 40 and 0 < during < 40
    fresh.wait_settled()
    assert len(fresh.walk()) == 40
