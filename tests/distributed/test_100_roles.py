"""API servers and workers apart: each does its half, and together they are the service that one process is."""

import base64
import json

import pytest

import expect
import service as services
import wire
from clients import KafkaClient
from cluster import PARTITIONS, consume

LIST = services.COLLECTION


@pytest.fixture
def pair(cluster):
    return cluster.api(), cluster.worker()


def test_an_activity_goes_all_the_way(pair, cluster):
    """Guards the main job over two processes: posted to one, moved by the other, read back from the first."""
    api, worker = pair
    answer = api.post({"userId": "101", "action": "login_attempt", "metadata": {"ip": "192.168.1.1"}}, target="/api/logs")
    activity_id = expect.accepted_one(answer, "replicated")
    row = api.wait_stored(activity_id)
    assert row["metadata"] == {"ip": "192.168.1.1"}
    assert [document["_id"] for document in cluster.documents()] == [activity_id]
    health = wire.wait_until(lambda: (said := worker.get("/health").json)["worker"]["stored"] == 1 and said, "the worker counts it",
                             20 * services.PATIENCE, 0.01)
    assert health["eventLog"]["kind"] == "kafka" and health["store"]["kind"] == "mongodb"
    assert "worker" not in api.get("/health").json


def test_a_worker_answers_probes_only(pair):
    """Guards that a worker neither takes activities nor tells any, and says where they belong."""
    _, worker = pair
    for answer in (worker.post({"userId": "a", "action": "b"}), worker.get(LIST), worker.get("/api/v1/stats?by=user")):
        assert "worker" in expect.problem(answer, 404)["detail"]
    for probe in ("/livez", "/readyz", "/readyz?verbose", "/health", "/metrics"):
        assert worker.get(probe).status == 200


def test_an_array_over_all_partitions(pair):
    """Guards arrays: one answer for many partitions, each user's activities in the order of the array."""
    api, _ = pair
    count = 600
    items = [{"userId": f"user-{number % 40}", "action": "a", "metadata": {"n": number}} for number in range(count)]
    answer = api.post(items)
    assert answer.status == 202 and answer.json["accepted"] == count and answer.json["durability"] == "replicated"
    assert len(answer.json["receipt"]) > PARTITIONS * 12
    rows = api.wait_count(count, "&order=asc")
    for user in range(40):
        assert [row["metadata"]["n"] for row in rows if row["userId"] == f"user-{user}"] == list(range(user, count, 40))


def test_erasing_reaches_the_workers(pair, cluster):
    """Guards erasure over processes: an API server erases, and what a worker still brings from before is dropped."""
    api, worker = pair
    kept = api.record({"userId": "kept", "action": "a"})["id"]
    ids = [api.record({"userId": "gone", "action": "a"})["id"] for _ in range(5)]
    api.wait_stored(kept)
    api.wait_stored(ids[-1])
    worker.stop()
    late = [api.record({"userId": "gone", "action": "late"})["id"] for _ in range(5)]
    answer = api.request("DELETE", "/api/v1/users/gone")
    assert answer.status == 200 and answer.json["erased"] == 5, answer
    after = api.record({"userId": "gone", "action": "after"})["id"]
    worker.start()
    api.wait_stored(after)
    rows = api.walk()
    assert {row["id"] for row in rows} == {kept, after} and not set(late) & {row["id"] for row in rows}
    wire.wait_until(lambda: worker.get("/health").json["worker"]["erased"] == 5, "five that were erased before", 10, 0.05)


def test_metadata_that_is_read_otherwise_on_the_way(pair):
    """Guards metadata through topic and database: keys with `$` and `.`, numbers beyond 64 bits and the deepest nesting come
    back to the letter, and are found, as deep as a question may ask."""
    api, _ = pair
    deepest = '{"n":' * 14 + '{"here":12345678901234567890,"more":' + '{"n":' * 15 + "{}" + "}" * 30
    texts = [f'{{"pri$ce":{{"a.b":{number},"$set":1}},"$or":[{{"a.b":0}}],"deep":{deepest}}}'
             for number in ("12345678901234567890", "12345678901234567891", '"12345678901234567890"')]
    for number, text in enumerate(texts):
        api.record(f'{{"id":"odd-{number}","userId":"odd","action":"a","metadata":{text}}}'.encode())
    api.wait_count(3)
    for number, text in enumerate(texts):
        assert expect.metadata_text(api.get(f"{LIST}/odd-{number}").text) == text
    dotted, nested = "pri$ce.a%5C.b", "deep." + "n." * 14 + "here"
    for condition, found in [(f"{dotted}=12345678901234567891", {"odd-1"}), (f"{dotted}=12345678901234567890", {"odd-0", "odd-2"}),
                             (f"{dotted}=1234567890123456789", set()), ("pri$ce.a.b=12345678901234567890", set()),
                             (f"{nested}=12345678901234567890", {"odd-0", "odd-1", "odd-2"}), (f"{nested}=12345678901234567891", set())]:
        assert {row["id"] for row in api.walk(f"&userId=odd&metadata.{condition}")} == found, condition


def test_several_api_servers_and_workers(cluster):
    """Guards that every part is scaled by itself: three of each share the work, and any API server tells everything."""
    apis = [cluster.api() for _ in range(3)]
    workers = [cluster.worker() for _ in range(3)]
    posted = []

    def everybody_stored_some():
        for api in apis:
            posted.append(api.record([{"userId": f"user-{number}", "action": "a"} for number in range(50)])["accepted"])
        return all(worker.get("/health").json["worker"]["stored"] for worker in workers)

    wire.wait_until(everybody_stored_some, "every worker has stored something", 40 * services.PATIENCE, 0.3)
    rows = apis[0].wait_count(sum(posted))
    assert apis[1].walk() == apis[2].walk() == rows
    assert sum(worker.get("/health").json["worker"]["stored"] for worker in workers) == sum(posted)


def test_foreign_messages(pair, cluster):
    """Guards other producers: JSON without our id is an activity, under an id that its place in the topic gives it."""
    api, _ = pair
    with KafkaClient(cluster.kafka.address, cluster.name) as producer:
        assert producer.send(b'{"userId":"foreign","action":"a","metadata":{"n":12345678901234567890}}')
        assert producer.send(b'{"userId":"foreign","action":"b","timestamp":"2024-01-15T10:00:00+01:00","id":"own"}')
    rows = api.wait_count(2, "&order=asc")
    assert rows[0]["id"] == "own" and rows[0]["timestamp"] == "2024-01-15T09:00:00.000Z"
    assert rows[1]["id"].startswith(f"{cluster.name}-0-0-") and rows[1]["metadata"] == {"n": 12345678901234567890}


def test_poison_is_refused_and_listed(pair, cluster):
    """Guards poison: what is no activity stops nobody, and is kept with its reason, place and bytes."""
    api, worker = pair
    poison = [b"no json", b'{"userId":"u"}', b'{"userId":"u","action":"a","surprise":1}', b"\xff\x00\xfe", b"[]"]
    with KafkaClient(cluster.kafka.address, cluster.name) as producer:
        for number, message in enumerate(poison):
            assert producer.send(message)
            assert producer.send(json.dumps({"userId": "good", "action": "a", "metadata": {"n": number}}).encode())
    api.wait_count(len(poison))
    listed = wire.wait_until(lambda: len(found := api.get("/api/v1/refused?limit=100").json["data"]) == len(poison) and found,
                             "all poison in the list", 20 * services.PATIENCE, 0.05)
    listed.sort(key=lambda entry: entry["offset"])
    assert [entry["offset"] for entry in listed] == [0, 2, 4, 6, 8]
    assert [entry["raw"] for entry in listed if "raw" in entry] == [text.decode() for text in poison if b"\xff" not in text]
    assert listed[3]["rawBase64"] and "surprise" in listed[2]["reason"] and "action" in listed[1]["reason"]
    assert worker.get("/health").json["worker"]["refused"] == len(poison)
    sent = [message["value"] for message in consume(cluster, f"{cluster.name}.refused")]
    assert sorted(base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode() for value in sent) == sorted(poison)
