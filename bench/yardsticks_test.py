"""The yardsticks beside Kafka and MongoDB do the whole work that they are measured by: every message arrives, every document is
stored as the program would store it, and what fails says so."""

import datetime
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kafka_mode  # noqa: E402
import servers  # noqa: E402
from history import History  # noqa: E402
from kafka_mode import node_programs, test_servers  # noqa: E402

COUNT = 3000
PARTITIONS = 3
AWKWARD = {"whole": [0, -1, 2**31, 2**53], "price": 12.5, "none": None, "seen": True, "empty": {}, "list": [[], "é"]}
TOOLS = servers.find_tools()


def iso_time(milliseconds):
    moment = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def make_text(row):
    identity, user, action, timestamp_ms, metadata = row
    return json.dumps({"id": identity, "userId": user, "action": action, "timestamp": iso_time(timestamp_ms),
                       "receivedAt": iso_time(timestamp_ms + 7), "metadata": json.loads(metadata)})


@pytest.fixture(scope="module")
def lines():
    """Messages as the program writes them."""
    texts = [make_text(row) for rows in History(COUNT, 1).batches(1000) for row in rows]
    texts[0] = make_text(("awkward", "u1", "LOOK", 951782399999, json.dumps(AWKWARD)))  # the last of February 2000
    return texts


@pytest.fixture(scope="module")
def kafka(lines, tmp_path_factory):
    """The address; the messages stand in the topic "from"."""
    path = tmp_path_factory.mktemp("messages") / "messages.ndjson"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with test_servers.KafkaServer() as server:
        make_topic(server.address, "from")
        done = kafka_mode.yardstick(TOOLS["producer"], "--brokers", server.address, "--topic", "from", "--file", path,
                                    "--in-flight", 100)
        assert done["messages"] == COUNT and done["cpuSeconds"] > 0 and done["seconds"] > 0
        yield server.address


@pytest.fixture(scope="module")
def mongodb():
    with test_servers.MongoServer(backend="memory") as server:
        yield server.address


def make_topic(address, topic):
    node_programs.run("produce.mjs", "--broker", address, "--topic", topic, "--partitions", PARTITIONS, "--count", 0)


def consume(address, topic):
    return node_programs.run("consume.mjs", "--broker", address, "--topic", topic)


def test_the_producer_sends_each_message_under_its_user_in_order(kafka, lines):
    received = consume(kafka, "from")
    assert len(received) == COUNT
    by_key = {}
    for message in received:
        assert message["headers"] == {"content-type": "application/json"}
        by_key.setdefault(message["key"], []).append(message["value"])
    sent = {}
    for line in lines:
        sent.setdefault(json.loads(line)["userId"], []).append(line)
    assert by_key == sent


def test_the_producer_sends_what_another_topic_holds(kafka):
    make_topic(kafka, "to")
    kafka_mode.yardstick(TOOLS["producer"], "--brokers", kafka, "--topic", "to", "--from", "from")
    copied, original = ([(m["key"], m["value"], m["partition"]) for m in consume(kafka, topic)] for topic in ("to", "from"))
    assert sorted(copied) == sorted(original)


def test_the_loop_of_bulks_stores_the_documents_of_the_messages(kafka, mongodb):
    arguments = (TOOLS["bulk"], "--uri", f"{mongodb}/bench", "--brokers", kafka, "--from", "from", "--bulk", 700, "--sessions", 3)
    assert kafka_mode.yardstick(*arguments)["documents"] == COUNT
    expected = {}
    for message in consume(kafka, "from"):
        activity = json.loads(message["value"])
        place = {"log": "00000000-0000-8000-8000-000000000000", "partition": message["partition"], "offset": message["offset"]}
        identity = activity.pop("id")
        expected[identity] = {"_id": identity, **activity, "source": place}
    documents = node_programs.run("read_store.mjs", "--uri", f"{mongodb}/bench")
    assert {document["_id"]: document for document in documents} == expected
    with pytest.raises(servers.BenchError, match="a bulk failed"):
        kafka_mode.yardstick(*arguments)


def test_the_yardsticks_say_what_is_missing(kafka):
    for arguments, told in (((TOOLS["producer"], "--brokers", kafka, "--topic", "none", "--from", "from"), "none could not be found"),
                            ((TOOLS["producer"], "--brokers", kafka, "--topic", "from"), "takes its messages from"),
                            ((TOOLS["bulk"], "--uri", "mongodb://127.0.0.1"), "DATABASE")):
        with pytest.raises(servers.BenchError, match=told):
            kafka_mode.yardstick(*arguments)


def post(server, body):
    request = urllib.request.Request(f"{server.url}/api/logs", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as problem:
        return problem.code


def test_the_express_service_sends_what_it_accepts(kafka):
    make_topic(kafka, "express")
    command = node_programs.command(servers.ROOT / "bench/express_service.mjs", "--broker", kafka, "--topic", "express")
    with servers.listening(command, NODE_ENV="production") as server:
        assert post(server, {"userId": "ada", "action": "LOOK", "metadata": {"n": 1}}) == 202
        assert post(server, {"action": "LOOK"}) == post(server, {"userId": "ada"}) == 400
        done = server.load(TOOLS, "--path", "/api/logs", "--connections", 4, "--count", 200)
        assert done["acknowledged"] == 200
        process = server.process
    assert process.returncode == 0
    received = consume(kafka, "express")
    assert len(received) == 201
    first = next(message for message in received if message["key"] == "ada")
    assert json.loads(first["value"]).items() >= {"userId": "ada", "action": "LOOK", "metadata": {"n": 1}}.items()
