"""after=<receipt> over processes: what one API server accepted, every API server answers once any worker has stored it."""

import concurrent.futures
import time

import expect
import service as services
import wire
from cluster import partitions_of, wait_for_empty_spill

LIST = services.COLLECTION


def batch(name, count=60):
    return [{"userId": f"{name}-{number}", "action": name} for number in range(count)]


def test_every_server_reads_what_any_accepted(cluster):
    """Guards receipts between replicas, with two workers that share the partitions: each batch is complete wherever one asks."""
    servers, workers = [cluster.api(), cluster.api()], [cluster.worker(), cluster.worker()]
    wire.wait_until(lambda: all(map(partitions_of, workers)), "both have partitions", 30 * services.PATIENCE, 0.05)
    for number in range(20):
        receipt = servers[number % 2].record(batch(f"round-{number}"))["receipt"]
        for server in servers:
            answer = server.get(f"{LIST}?action=round-{number}&count=true&after={receipt}")
            assert answer.status == 200 and answer.json["count"] == 60, answer


def test_what_no_worker_stores_is_told(cluster):
    """Guards the bound of two seconds while no worker runs, for many at once, and that they are answered when one comes back."""
    api, worker = cluster.api(), cluster.worker()
    api.wait_stored(api.record({"userId": "first", "action": "a"})["id"])
    worker.stop()
    receipt = api.record(batch("waiting"))["receipt"]

    def ask(_):
        with api.connect() as connection:
            begun = time.monotonic()
            return connection.get(f"{LIST}?action=waiting&count=true&after={receipt}"), time.monotonic() - begun

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        for answer, seconds in pool.map(ask, range(30)):
            assert expect.problem(answer, 503)["type"] == "/problems/not-yet-stored"
            assert 1.9 <= seconds < 4 * services.PATIENCE, seconds
        assert expect.page(api.get(f"{LIST}?action=waiting")) == []
        worker.start()
        asked = [ask(0)[0] for _ in range(10)]
    assert any(answer.status == 200 and answer.json["count"] == 60 for answer in asked), asked


def test_a_store_that_is_away_keeps_nobody(cluster):
    """Guards the bound while MongoDB does not answer: two seconds, not its timeouts."""
    api, _ = cluster.api(), cluster.worker()
    api.wait_stored(api.record({"userId": "first", "action": "a"})["id"])
    cluster.mongodb.proxy.stall()
    receipt = api.record({"userId": "second", "action": "a"})["receipt"]
    begun = time.monotonic()
    answer = api.get(f"{LIST}?userId=second&after={receipt}")
    assert expect.problem(answer, 503)["type"] == "/problems/not-yet-stored"
    assert time.monotonic() - begun < 4 * services.PATIENCE


def test_what_was_spilled_is_waited_for(cluster):
    """Guards receipts of a spill: 503 while the broker is away, then the activities, wherever in the topic they came; behind a
    restart 400 for what was moved before, and the activities for what was left."""
    api, _ = cluster.api("--kafka.delivery.timeout.ms", "1500"), cluster.worker()
    api.wait_stored(api.record({"userId": "first", "action": "a"})["id"])
    cluster.kafka.proxy.cut()
    spilled = [api.record(batch(f"spilled-{number}")) for number in range(3)]
    assert {document["durability"] for document in spilled} == {"local-disk"}
    answer = api.get(f"{LIST}?action=spilled-2&after={spilled[2]['receipt']}")
    assert expect.problem(answer, 503)["type"] == "/problems/not-yet-stored"
    cluster.kafka.proxy.resume()
    wait_for_empty_spill(api)
    for number, document in enumerate(spilled):
        answer = api.read_own(f"{LIST}?action=spilled-{number}&count=true", document["receipt"])
        assert answer.status == 200 and answer.json["count"] == 60, answer
    expect.problem(cluster.api().get(f"{LIST}?after={spilled[0]['receipt']}"), 400, detail="of another event log")
    cluster.kafka.proxy.cut()
    left = api.record(batch("left"))
    api.kill()
    cluster.kafka.proxy.resume()
    api.start()
    wait_for_empty_spill(api)
    answer = api.read_own(f"{LIST}?action=left&count=true", left["receipt"])
    assert answer.status == 200 and answer.json["count"] == 60, answer
    expect.problem(api.get(f"{LIST}?after={spilled[0]['receipt']}"), 400, detail="before this server started")
