"""The servers that the tests rely on: they start, answer, stop, come back with what they had, and can be cut off. What goes
into them goes through the libraries of Kafka and MongoDB that usertrail uses."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import clients  # noqa: E402
import named  # noqa: E402
import servers  # noqa: E402

COMMAND = [sys.executable, servers.__file__]


@pytest.fixture(scope="module")
def kafka_of_all():
    with servers.KafkaServer(proxied=True) as server:
        yield server


@pytest.fixture(scope="module")
def mongodb_of_all():
    with servers.MongoServer(proxied=True) as server:
        yield server


@pytest.fixture
def kafka(kafka_of_all):
    yield kafka_of_all
    kafka_of_all.recover()


@pytest.fixture
def mongodb(mongodb_of_all):
    yield mongodb_of_all
    mongodb_of_all.recover()


def answers(server):
    with contextlib.suppress(OSError, ValueError, servers.struct.error):
        return server.answers()
    return False


def lives(pid):
    """A zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_run_gives_the_command_addresses_and_returns_its_exit_code():
    script = "test -n \"$USERTRAIL_TEST_MONGODB\" && test -z \"$USERTRAIL_TEST_KAFKA\" && exit 7"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("USERTRAIL_TEST_")}
    assert subprocess.run([*COMMAND, "run", "--mongodb", "--", "sh", "-c", script], env=environment, check=False).returncode == 7


def test_run_leaves_the_users_own_server_alone():
    environment = {**os.environ, "USERTRAIL_TEST_KAFKA": "example.org:9092", "PATH": "/nowhere"}  # no Java could be found
    result = subprocess.run([*COMMAND, "run", "--kafka", "--", "/bin/sh", "-c", "echo $USERTRAIL_TEST_KAFKA"], env=environment,
                            capture_output=True, text=True, check=True)
    assert result.stdout == "example.org:9092\n"


def test_servers_end_with_the_process_that_started_them():
    script = "import servers, os, time; s = servers.MongoServer().start(); print(s.process.pid, s.folder, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(servers.__file__).parent, stdout=subprocess.PIPE, text=True)
    pid, folder = parent.stdout.readline().split()
    assert lives(pid)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 5
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(pid)
    servers.shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["kafka", "mongodb"])
def test_a_paused_server_does_not_answer_until_it_goes_on(name, request, monkeypatch):
    server = request.getfixturevalue(name)
    monkeypatch.setattr(servers, "ANSWER_SECONDS_MAX", 0.5)
    server.pause()
    assert not answers(server)
    server.resume()
    monkeypatch.setattr(servers, "ANSWER_SECONDS_MAX", 5)
    assert answers(server)


def test_a_paused_server_is_stopped_at_once(kafka):
    """As often as is needed to find a thread that runs."""
    for _ in range(30):
        kafka.pause()
        assert kafka.thread_states() == {"T"}
        kafka.resume()
        assert answers(kafka)


def test_kafka_keeps_what_it_acknowledged_over_sigkill_and_a_stop(kafka):
    with clients.KafkaClient(kafka.address, "kept") as producer:
        producer.create_topic()
        assert producer.send(b"one") and producer.send(b"two")
        kafka.kill()
        kafka.start()
        assert producer.send(b"three")
        kafka.restart()
    with clients.KafkaClient(kafka.address, "kept", clients.CONSUMER) as consumer:
        assert consumer.receive(3) == [b"one", b"two", b"three"]


def test_kafka_makes_no_topic_by_itself(kafka, monkeypatch):
    monkeypatch.setattr(clients, "TIMEOUT_MS", 3000)
    with clients.KafkaClient(kafka.address, "unknown") as producer:
        producer.send(b"x")
    with clients.KafkaClient(kafka.address, "unknown", clients.CONSUMER) as consumer:
        assert consumer.receive(1) == []


def test_mongodb_keeps_what_it_has_over_a_clean_stop(mongodb):
    document = {"_id": "101", "action": "login_attempt"}
    assert clients.mongo_command(mongodb.address, {"insert": "kept", "documents": [document]})["n"] == 1
    mongodb.restart()
    found = clients.mongo_command(mongodb.address, {"find": "kept", "filter": {"_id": "101"}})
    assert found["cursor"]["firstBatch"] == [document]


@pytest.mark.parametrize("hold", ["cut", "stall", "hold_answers"])
def test_the_proxy_keeps_kafka_from_its_clients_until_it_resumes(kafka, hold, monkeypatch):
    with clients.KafkaClient(kafka.address, hold) as producer:
        producer.create_topic()
        assert producer.send(b"before")
        assert kafka.proxy.connections > 0
        getattr(kafka.proxy, hold)()
        monkeypatch.setattr(clients, "TIMEOUT_MS", 500)
        assert not producer.send(b"meanwhile")
        kafka.proxy.resume()
        monkeypatch.undo()
        assert producer.send(b"after")
    with clients.KafkaClient(kafka.address, hold, clients.CONSUMER) as consumer:
        received = consumer.receive(3)
        assert (received[0], received[-1]) == (b"before", b"after")


@pytest.mark.parametrize("hold", ["cut", "stall"])
def test_the_proxy_keeps_mongodb_from_its_clients_until_it_resumes(mongodb, hold):
    getattr(mongodb.proxy, hold)()
    with pytest.raises(ConnectionError):
        clients.mongo_command(mongodb.address, {"ping": 1}, timeout_ms=500)
    mongodb.proxy.resume()
    assert clients.mongo_command(mongodb.address, {"ping": 1})["ok"] == 1


@pytest.mark.parametrize("hold", ["cut", "stall", "hold_answers"])
def test_a_kafka_of_others_is_kept_from_its_clients(kafka, hold, monkeypatch):
    """Its brokers tell clients where they are, which leads around a proxy that knows nothing of Kafka."""
    monkeypatch.setenv("USERTRAIL_TEST_KAFKA", kafka.address)
    with named.named_or_ours(servers.KafkaServer) as theirs, clients.KafkaClient(theirs.address, f"theirs-{hold}") as producer:
        theirs.forget(f"theirs-{hold}")
        producer.create_topic()
        assert producer.send(b"before")
        assert theirs.proxy.connections > 0
        getattr(theirs.proxy, hold)()
        monkeypatch.setattr(clients, "TIMEOUT_MS", 500)
        assert not producer.send(b"meanwhile")
        theirs.proxy.resume()
        monkeypatch.undo()
        assert producer.send(b"after")


def test_a_mongodb_of_others_is_kept_from_its_clients(mongodb, monkeypatch):
    monkeypatch.setenv("USERTRAIL_TEST_MONGODB", mongodb.address)
    with named.named_or_ours(servers.MongoServer) as theirs:
        assert clients.mongo_command(theirs.address, {"insert": "kept", "documents": [{"_id": 1}]}, "theirs")["n"] == 1
        theirs.forget("theirs")
        theirs.pause()
        with pytest.raises(ConnectionError):
            clients.mongo_command(theirs.address, {"ping": 1}, timeout_ms=500)
        theirs.resume()
    assert clients.mongo_command(mongodb.address, {"count": "kept"}, "theirs")["n"] == 0
