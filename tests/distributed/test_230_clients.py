"""Programs of others on the same topic and database, by the libraries that they are usually written with: what they write we
store and answer, what we write they read. And a group whose members have names."""

import concurrent.futures
import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import jars
import node_programs
import service as services
import sums
import wire
from cluster import cluster as made_cluster
from cluster import PARTITIONS, changes, consume, lag, partitions_of, wait_for_lag, wait_for_settled_group
from refusals import entries

NODE_FOLDER = Path(__file__).resolve().parent.parent / "node"


def produce(cluster, **options):
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    return node_programs.run("produce.mjs", "--broker", cluster.kafka.address, "--topic", cluster.name, *words)


def read_store(cluster):
    return node_programs.run("read_store.mjs", "--uri", f"{cluster.mongodb.address}/{cluster.name}")


def without_what_we_give(sent, row):
    """The members of a row that its producer decided; the others it left to us."""
    return {name: row[name] for name in sent}


# --- through the topic ---


def test_what_kafkajs_sends_is_stored_and_answered(cluster):
    """Guards other producers: each activity is there as it was sent, under its own id or one that its place gives it, with its
    own time or the record's."""
    api, _ = cluster.api(), cluster.worker()
    sent = [json.loads(message["value"]) for message in produce(cluster, count=1200, users=25)]
    rows = {row["metadata"]["number"]: row for row in api.wait_count(1200)}
    assert [without_what_we_give(one, rows[number]) for number, one in enumerate(sent)] == sent
    places = {message["value"]: message for message in consume(cluster)}
    for number, one in enumerate(sent):
        place = places[json.dumps(one, separators=(",", ":"))]
        if "id" not in one:
            assert rows[number]["id"] == f"{cluster.name}-{place['partition']}-{place['offset']}-{place['timestamp']}"
        if "timestamp" not in one:
            assert rows[number]["timestamp"] == iso_of(place["timestamp"])


def iso_of(milliseconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03}Z"


def test_kafkajs_reads_what_the_api_writes(cluster):
    """Guards other consumers: the key is the user, the headers say what the value is, and the value is the activity as JSON."""
    api = cluster.api()
    items = [{"userId": f"user-{number % 7}", "action": "LOOK", "timestamp": "2024-01-15T10:00:00+01:00",
              "metadata": {"n": number, "text": "ä\u0001\"", "large": 12345678901234567890}} for number in range(300)]
    results = api.record(items)["results"]
    messages = consume(cluster)
    assert len(messages) == 300
    assert all(message["headers"]["content-type"] == "application/json" for message in messages)
    found = {value["id"]: (message["key"], value) for message in messages for value in [json.loads(message["value"])]}
    for item, result in zip(items, results, strict=True):
        key, value = found[result["id"]]
        assert key == value["userId"] == item["userId"] and value["action"] == "LOOK"
        assert value["timestamp"] == "2024-01-15T09:00:00.000Z" and value["metadata"] == item["metadata"]


def test_a_user_has_one_partition_whoever_sends(cluster):
    """Guards the order of a user's activities: the API puts a user where kafkajs puts it, also one with letters beyond ASCII."""
    api = cluster.api()
    produce(cluster, count=200, users=200)
    names = [f"user-{number}" for number in range(200)]
    api.record([{"userId": name, "action": "OURS"} for name in [*names, "Jürgen 🙂", "x" * 256]])
    places = {}
    for message in consume(cluster):
        places.setdefault(message["key"], Counter())[message["partition"]] += 1
    assert [list(places[name].values()) for name in names] == [[2]] * 200
    assert {partition for name in names for partition in places[name]} == set(range(PARTITIONS))
    java = [jars.command("java"), "-cp", jars.class_path("kafka"), NODE_FOLDER / "KeyPartitions.java", str(PARTITIONS)]
    result = subprocess.run(java, input="".join(f"{key}\n" for key in places), capture_output=True, text=True, timeout=60, check=True)
    assert [list(found) for found in places.values()] == [[int(line)] for line in result.stdout.split()]


def test_poison_among_many(cluster):
    """Guards against poison: one of a hundred messages is no activity; all others are stored, all of it is listed and sent to
    the topic for it, and the worker goes on."""
    api, worker = cluster.api(), cluster.worker()
    sent = [message for part in range(10) for message in produce(cluster, count=495, poison=5, prefix=f"part-{part}")]
    poison = [message for message in sent if message["poison"]]
    assert len(poison) == 50
    rows = api.wait_count(4950)
    good = (json.loads(message["value"]) for message in sent if not message["poison"])
    assert Counter(map(members_of, rows)) == Counter(map(members_of, good))
    listed = wire.wait_until(lambda: len(found := entries(api)) >= 50 and found, "50 refused", 30 * services.PATIENCE, 0.1)
    assert Counter(map(bytes_of_entry, listed)) == Counter(map(bytes_of_message, poison))
    wait_for_lag([worker])
    health = worker.get("/health").json["worker"]
    assert (health["stored"], health["refused"]) == (4950, 50) and worker.get("/readyz").status == 200
    refused = [message["value"] for message in consume(cluster, f"{cluster.name}.refused")]
    assert Counter(map(str, refused)) == Counter(str(message["value"]) for message in poison)
    api.wait_stored(api.record({"userId": "after", "action": "a"})["id"])


def test_transactions_are_read_to_their_end(cluster):
    """Guards producers with transactions, of which the last offsets of a partition hold no activity: the worker does not seem
    to be behind, a replay ends, and a process of its own with another store becomes ready."""
    api, worker = cluster.api(), cluster.worker()
    produce(cluster, count=200, users=50, ids_every=1, prefix="kept", transaction="commit")
    produce(cluster, count=100, users=50, ids_every=1, prefix="gone", transaction="abort")
    rows = api.wait_count(200)
    assert all(row["id"].startswith("kept-") for row in rows)
    wait_for_lag([worker])
    result = services.run_program("replay", *cluster.flags(), "--from", "0", timeout=60)
    assert result.returncode == 0 and "200 activities read" in result.stdout + result.stderr, result
    assert api.walk() == rows and lag(worker) == 0
    alone = services.Service("--event-log", "kafka", "--kafka-brokers", cluster.kafka.address, "--kafka-topic", cluster.name)
    try:
        alone.start()
        assert alone.wait_count(200) == rows
    finally:
        alone.close()


def members_of(activity):
    return activity["userId"], activity["action"], json.dumps(activity["metadata"])


def bytes_of_message(message):
    value = message["value"]
    return value["base64"] if isinstance(value, dict) else value or ""


def bytes_of_entry(entry):
    return entry["rawBase64"] if "rawBase64" in entry else entry["raw"]


# --- through the database ---


def test_the_drivers_of_others_read_what_the_worker_wrote(cluster):
    """Guards the documents: times are dates, metadata is a document, and what BSON would change is there as text besides."""
    api, _ = cluster.api(), cluster.worker()
    plain = {"userId": "101", "action": "login", "timestamp": "2024-01-15T10:00:00Z",
             "metadata": {"ip": "192.168.1.1", "nested": {"seen": [1, 2.5, None, True]}}}
    exact = {"userId": "102", "action": "count", "timestamp": "2024-01-15T10:00:01Z", "metadata": {"n": 12345678901234567890}}
    ids = [api.record(item)["id"] for item in (plain, exact)]
    api.wait_count(2)
    first, second = read_store(cluster)
    assert [first["_id"], second["_id"]] == ids
    assert (first["userId"], first["action"]) == ("101", "login")
    assert first["timestamp"] == "2024-01-15T10:00:00.000Z" and first["metadata"] == plain["metadata"]
    assert "metadataText" not in first and json.loads(second["metadataText"]) == exact["metadata"]
    kinds = cluster.documents()
    assert all(set(document[name]) == {"$date"} for document in kinds for name in ("timestamp", "receivedAt"))


def test_what_an_earlier_service_stored_is_answered(cluster):
    """Guards a database that was there before us: documents with ids of MongoDB's own are found by user, by id and by time, and
    counted."""
    uri = f"{cluster.mongodb.address}/{cluster.name}"
    written = node_programs.run("write_store.mjs", "--uri", uri, "--count", 90, "--users", 3)
    api, _ = cluster.api(), cluster.worker()
    rows = api.walk("&order=asc")
    members = ("userId", "action", "timestamp", "metadata")
    assert [row["id"] for row in rows] == [document["_id"] for document in written]
    assert [[row[name] for name in members] for row in rows] == [[document[name] for name in members] for document in written]
    assert api.walk("&order=asc&userId=user-1") == [row for row in rows if row["userId"] == "user-1"]
    assert api.get(f"{services.COLLECTION}/{rows[17]['id']}").json == rows[17]
    assert api.walk(f"&order=asc&from={rows[30]['timestamp']}&to={rows[40]['timestamp']}") == rows[30:40]
    assert [row["metadata"]["number"] for row in api.walk("&userId=user-0&metadata.number=33")] == [33]
    counts = api.get("/api/v1/stats?by=user").json["data"]
    assert {entry["key"]: entry["count"] for entry in counts} == {f"user-{number}": 30 for number in range(3)}
    ours = api.record({"userId": "user-1", "action": "OURS"})["id"]
    api.wait_stored(ours)
    assert [row["id"] for row in api.walk("&userId=user-1")][0] == ours and len(api.walk()) == 91


def test_a_worker_goes_on_where_an_earlier_consumer_stopped(cluster):
    """Guards docs/migrating.md: a worker in the group of a consumer that was written with kafkajs stores what that one had not
    read, and nothing else."""
    produce(cluster, count=300, users=10, partitions=PARTITIONS)
    read = consume(cluster, group=cluster.group)
    produce(cluster, count=200, users=10, prefix="later")
    api, worker = cluster.api(), cluster.worker()
    rows = api.wait_count(200)
    wait_for_lag([worker])
    ends = Counter(message["partition"] for message in read)
    places = [tuple(map(int, row["id"].split("-")[-3:-1])) for row in rows if row["id"].startswith(cluster.name)]
    assert len(read) == 300 and places and all(offset >= ends[partition] for partition, offset in places)
    assert len(api.walk()) == 200 and sums.account(api)["closes"]


# --- members with names ---


def test_a_member_with_a_name_is_waited_for(cluster, ledger):
    """Guards static membership: while a worker is restarted within its session, the other one keeps exactly what it has, and
    nothing is lost."""
    api = cluster.api()
    workers = [cluster.worker("--kafka-instance-id", name) for name in ("first", "second")]
    wire.wait_until(lambda: all(map(partitions_of, workers)), "both have partitions", 30 * services.PATIENCE, 0.05)
    wait_for_settled_group(workers)
    before = changes(workers[1])
    process = ledger.start(api, "--connections", 8, "--rate", 400, "--seconds", 8)
    time.sleep(1)
    workers[0].stop()
    time.sleep(1.5)
    workers[0].start()
    assert services.finish_load(process)["acknowledged"] > 0
    ledger.judge(api, wait_seconds=60, workers=workers)
    assert changes(workers[1]) == before, workers[1].stderr
    wait_for_lag(workers)
    assert workers[0].get("/health").json["worker"]["stored"] > 0


def test_members_with_names_end(kafka, mongodb):
    """Guards SIGTERM of members that do not leave the group: each ends at once, whatever the group does meanwhile. What the
    Kafka client tells makes its threads meet in orders that are rare otherwise. Four groups at a time, since it is all waiting."""
    def end_members(number):
        chance = random.Random(230 + number)
        with made_cluster(kafka, mongodb) as one:
            workers = [one.worker("--kafka-instance-id", name, "--log-level", "debug", "--kafka.debug", "cgrp")
                       for name in ("first", "second")]
            for _ in range(3):
                time.sleep(chance.uniform(0.1, 5))
                worker = chance.choice(workers)
                worker.stop(timeout=10)
                worker.start()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(end_members, range(4)))


def test_a_name_that_another_member_has(cluster, ledger):
    """Guards against two workers with one name: the older one, whose partitions are the newer one's, says so and ends, also
    while activities keep coming; nothing is lost."""
    api, older = cluster.api(), cluster.worker("--kafka-instance-id", "same")
    process = ledger.start(api, "--connections", 8, "--rate", 400, "--seconds", 12)
    wire.wait_until(lambda: older.get("/health").json["worker"]["stored"] > 0, "the older one works", 20 * services.PATIENCE, 0.05)
    newer = cluster.worker("--kafka-instance-id", "same")
    assert older.wait_end(9) == 1
    assert process.poll() is None, "it ended only when nothing came any more"
    assert "another member joined the group as same" in older.stderr
    services.finish_load(process)
    ledger.judge(api, wait_seconds=60, workers=[newer])
    wait_for_lag([newer])
