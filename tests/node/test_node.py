"""The programs of this folder, which tests of usertrail play other producers, consumers and services with: what one writes the
other reads, on a real Kafka and the stand-in for MongoDB."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "servers")]

import jars  # noqa: E402
import node_programs  # noqa: E402
import servers  # noqa: E402

ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def broker():
    with servers.KafkaServer() as server:
        yield server.address


@pytest.fixture(scope="module")
def store():
    with servers.MongoServer() as server:
        yield f"{server.address}/earlier"


def produce(broker, topic, **options):
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    return node_programs.run("produce.mjs", "--broker", broker, "--topic", topic, "--partitions", 3, *words)


def consume(broker, topic):
    return node_programs.run("consume.mjs", "--broker", broker, "--topic", topic)


def partitions_of(messages):
    """The partition of each key, which must be one only."""
    places = {(message["key"], message["partition"]) for message in messages}
    assert len(places) == len({key for key, _ in places}), places
    return dict(places)


def test_the_consumer_reads_what_the_producer_sent_in_its_order(broker):
    sent = produce(broker, "order", count=2500, users=40)
    received = consume(broker, "order")
    assert len(received) == 2500
    for key in {message["key"] for message in sent}:
        assert [m["value"] for m in received if m["key"] == key] == [m["value"] for m in sent if m["key"] == key]
    for partition in range(3):
        assert [m["offset"] for m in received if m["partition"] == partition] == \
            list(range(sum(m["partition"] == partition for m in received)))


def test_activities_carry_ids_and_times_here_and_there(broker):
    values = [message["value"] for message in produce(broker, "members", count=12, ids_every=3, timestamps_every=4, prefix="p")]
    assert [number for number, value in enumerate(values) if f'"id":"p-{number}"' in value] == [0, 3, 6, 9]
    assert [number for number, value in enumerate(values) if '"timestamp":' in value] == [0, 4, 8]


def test_poison_arrives_as_it_was_sent(broker):
    sent = [message["value"] for message in produce(broker, "poison", count=0, poison=7) if message["poison"]]
    assert Counter(map(str, sent)) == Counter(str(message["value"]) for message in consume(broker, "poison"))
    assert None in sent and "" in sent and {"base64": "e//+fQ=="} in sent


def test_the_consumer_ends_on_an_empty_topic_and_reads_again_from_the_beginning(broker):
    produce(broker, "again", count=0)
    assert consume(broker, "again") == []
    produce(broker, "again", count=5)
    produce(broker, "again", count=5)
    assert len(consume(broker, "again")) == len(consume(broker, "again")) == 10


def test_keys_land_where_the_java_client_puts_them(broker):
    node_programs.run("produce.mjs", "--broker", broker, "--topic", "keys", "--partitions", 7, "--count", 300, "--users", 300)
    by_node = partitions_of(consume(broker, "keys"))
    java = [jars.command("java"), "-cp", jars.class_path("kafka"), FOLDER / "KeyPartitions.java", "7"]
    result = subprocess.run(java, input="".join(f"{key}\n" for key in by_node), capture_output=True, text=True, timeout=60, check=True)
    assert len(by_node) == 300 and set(by_node.values()) == set(range(7))
    assert list(by_node.values()) == list(map(int, result.stdout.split()))


def test_what_an_earlier_service_stored_is_read_by_time(store):
    written = node_programs.run("write_store.mjs", "--uri", store, "--count", 20)
    read = node_programs.run("read_store.mjs", "--uri", store)
    assert read == written and len(read) == 20
    assert [document["timestamp"] for document in read] == sorted(document["timestamp"] for document in read)
    for document in read:
        assert set(document) == {"_id", "userId", "action", "timestamp", "metadata", "__v"}
        assert re.fullmatch("[0-9a-f]{24}", document["_id"]) and ISO_TIME.fullmatch(document["timestamp"])


@pytest.mark.parametrize("arguments, told", [([], "--uri is missing"), (["--uri", "x", "--colection", "y"], "--colection"),
                                             (["--uri", "x", "--seconds", "soon"], "--seconds takes a whole number")])
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(arguments, told):
    result = subprocess.run(node_programs.command("read_store.mjs", *arguments), capture_output=True, text=True, timeout=30,
                            check=False)
    assert result.returncode == 2 and told in result.stderr


def test_a_server_that_is_away_ends_a_program_in_time():
    with pytest.raises(node_programs.NodeError, match="read_store.mjs ended with 1"):
        node_programs.run("read_store.mjs", "--uri", f"mongodb://127.0.0.1:{servers.free_port()}/x", "--seconds", 1)


def test_packages_are_installed_once(monkeypatch):
    node_programs.fetch()
    monkeypatch.setattr(node_programs, "_install", lambda: pytest.fail("installed again"))
    node_programs.fetch()
