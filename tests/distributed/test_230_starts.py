"""Starts with something missing: what does not need it works, says what is missing, and all of it comes by itself."""

import time

import expect
import service as services
import wire
from cluster import log_lines

REFUSED = "/api/v1/refused"


def messages(service, level):
    return [line["message"] for line in log_lines(service) if line["level"] == level]


def test_an_api_server_starts_without_the_store(cluster):
    """Guards ingest against a store that is away at the start: activities are accepted, questions are told 503 in words, and
    when the store is there nobody has to do anything."""
    cluster.mongodb.proxy.cut()
    begun = time.monotonic()
    api = cluster.api()
    assert time.monotonic() - begun < 10 * services.PATIENCE, "the start waits for one answer, not for the store"
    activity = api.record({"userId": "u", "action": "a"})
    assert activity["durability"] == "replicated"
    for target in (services.COLLECTION, f"{services.COLLECTION}/{activity['id']}", REFUSED):
        assert "MongoDB" in expect.problem(api.get(target), 503)["detail"]
    assert api.request("DELETE", "/api/v1/users/u").status == 503
    assert api.get("/livez").status == api.get("/readyz").status == 200
    assert any("MongoDB is away" in message for message in messages(api, "warning")), api.stderr
    cluster.mongodb.proxy.resume()
    cluster.worker()
    api.wait_stored(activity["id"], timeout=60)
    assert api.get(REFUSED).status == 200
    wire.wait_until(lambda: "MongoDB answers again" in messages(api, "info"), "that it is told", 30 * services.PATIENCE, 0.2)
    api.stop()


def test_a_worker_does_not_start_without_the_store(cluster):
    """Guards the worker, who can do nothing without it: it waits for the time to connect, then says why and fails."""
    cluster.mongodb.proxy.cut()
    worker = cluster.make("worker", "--connect-timeout", "2s")
    worker.launch()
    assert worker.wait_end(40) == 1
    assert "MongoDB" in worker.stderr


def test_an_api_server_hears_of_erasures_late(cluster):
    """Guards users who come back after an erasure by a clock that was ahead: an API server that started without the store
    takes up the time of the erasure when it reads it, so that what it accepts then counts as received afterwards."""
    first, worker = cluster.api(), cluster.worker()
    first.wait_stored(first.record({"userId": "u", "action": "before"})["id"])
    assert first.request("DELETE", "/api/v1/users/u").status == 200
    first.stop()
    worker.stop()
    cluster.raise_erasures("u", ahead_seconds=3600)
    cluster.mongodb.proxy.cut()
    api = cluster.api()
    assert api.record({"userId": "other", "action": "early"})["durability"] == "replicated"
    cluster.mongodb.proxy.resume()
    worker.start()
    wire.wait_until(lambda: "MongoDB answers again" in messages(api, "info"), "that it is told", 30 * services.PATIENCE, 0.2)
    after = api.record({"userId": "u", "action": "after"})["id"]
    api.wait_stored(after, timeout=60)
