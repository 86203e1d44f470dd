"""A part that is away for a while: nothing acknowledged is lost, the other parts do not suffer, and all is as before afterwards."""

import random
import time

import service as services
import wire
from cluster import (SHORT_SESSION, changes, changes_of_the_only, cluster, expect_users_in_order, lag, spill, wait_for_empty_spill,
                     wait_for_lag)
from named import own_server
from servers import MongoServer

OUTAGE_SECONDS = 10
RATE = 2000
# Shorter than an outage.
IMPATIENT_GROUP = [*SHORT_SESSION, "--kafka.max.poll.interval.ms", 6000]
# Of which a store may keep a question waiting for two.
SOCKET_SECONDS = OUTAGE_SECONDS // 2


def load(ledger, api, seconds, *way):
    rate = RATE // 10 if services.SANITIZED else RATE
    if "--batch" in way:
        rate //= way[way.index("--batch") + 1]
    return ledger.start(api, "--connections", 64, "--rate", rate, "--seconds", seconds, *way)


def outage(ledger, api, server, begin, shows, *way):
    """Load with an outage in its midst, in which `shows()` comes to hold, and without any failure; returns the figures."""
    process = load(ledger, api, OUTAGE_SECONDS + 6, *way)
    time.sleep(2)
    begin()
    back = time.monotonic() + OUTAGE_SECONDS
    time.sleep(OUTAGE_SECONDS / 2)  # what is asked of a worker without its store is answered seconds later
    wire.wait_until(shows, "that the outage shows", OUTAGE_SECONDS * services.PATIENCE, 0.2)
    services.sleep_until(back)
    server.recover()
    figures = services.finish_load(process, timeout=120)
    expect_no_failure(figures)
    return figures


def expect_no_failure(figures):
    """And that the rate was kept, but for what was under way at the end."""
    assert figures["refused"] == figures["unknown"] == figures["rejected"] == 0, figures
    assert set(figures["statuses"]) == {"202"}, figures
    assert figures["plannedNotSent"] <= figures["requestsSent"] / 20, figures


def expect_not_held_up(figures):
    """By an outage that is longer than the rest of the load: every second answer came at once."""
    assert figures["latencyMicroseconds"]["p50"] < 100000 * services.PATIENCE, figures


def broker_outage(cluster, ledger, begin, *way):
    api, worker = cluster.api(), cluster.worker()
    figures = outage(ledger, api, cluster.kafka, begin, lambda: spill(api)["activities"] > 0, "--ordered-user-per-connection", *way)
    count = figures["acknowledged"]
    wait_for_empty_spill(api)
    verdict = ledger.judge(api, wait_seconds=90, workers=[worker])
    assert verdict["inOrder"] == count
    wait_for_lag([worker])
    expect_users_in_order(cluster, count)
    assert api.record({"userId": "afterwards", "action": "a"})["durability"] == "replicated"


def test_the_broker_is_cut_off(cluster, ledger):
    """Guards the spill: no 5xx while the broker is away, everything there afterwards, each once, per user in order."""
    broker_outage(cluster, ledger, cluster.kafka.proxy.cut)


def test_the_broker_hangs(cluster, ledger):
    """Guards the same against a broker that keeps its connections and says nothing."""
    broker_outage(cluster, ledger, cluster.kafka.pause, "--batch", 20)


def test_the_store_is_cut_off(cluster, ledger):
    """Guards ingest against a store that is away: nobody notices, the worker keeps its partitions and catches up. The group
    would take them from a worker that does not ask for more within this outage."""
    api, worker = cluster.api(), cluster.worker(*IMPATIENT_GROUP)
    before = changes_of_the_only(worker)
    figures = outage(ledger, api, cluster.mongodb, cluster.mongodb.proxy.cut, lambda: lag(worker) > RATE // 4)
    expect_not_held_up(figures)
    ledger.judge(api, wait_seconds=90, workers=[worker])
    wait_for_lag([worker])
    assert changes(worker) == before, worker.stderr


def test_the_store_is_stopped(kafka, ledger):
    """Guards the same against a store that ends and comes back with what it had."""
    with own_server(MongoServer, "to be stopped", backend="h2") as mongodb, cluster(kafka, mongodb) as one:
        api, worker = one.api(), one.worker()
        before = changes_of_the_only(worker)
        process = ledger.start(api, "--connections", 16, "--rate", 400, "--seconds", 10)
        time.sleep(2)
        mongodb.stop()
        time.sleep(4)
        assert api.get("/livez").status == 200 and lag(worker) > 0
        mongodb.start()
        expect_no_failure(services.finish_load(process))
        ledger.judge(api, wait_seconds=90, workers=[worker])
        wait_for_lag([worker])
        assert changes(worker) == before, worker.stderr


def test_the_store_hangs(cluster, ledger):
    """Guards against a store that keeps its connections and says nothing: questions are told 503 within two timeouts of a
    socket (the driver tries once more), activities are taken, and the worker keeps its partitions."""
    quick = cluster.quick_store(SOCKET_SECONDS)
    api, worker = cluster.api("--query-timeout", "2s", *quick), cluster.worker(*IMPATIENT_GROUP, *quick)
    before = changes_of_the_only(worker)
    api.wait_stored(api.record({"userId": "before", "action": "a"})["id"])
    process = load(ledger, api, OUTAGE_SECONDS + 4)
    time.sleep(1)
    cluster.mongodb.pause()
    begun = time.monotonic()
    with api.connect(timeout=30) as connection:
        answer = connection.get(f"{services.COLLECTION}?userId=before")
    assert answer.status == 503 and time.monotonic() - begun < (2 * SOCKET_SECONDS + 5) * services.PATIENCE, answer
    services.sleep_until(begun + OUTAGE_SECONDS)
    cluster.mongodb.resume()
    figures = services.finish_load(process)
    expect_no_failure(figures)
    expect_not_held_up(figures)
    ledger.judge(api, wait_seconds=90, workers=[worker])
    wait_for_lag([worker])
    assert changes(worker) == before, worker.stderr


def test_workers_come_and_go(cluster, ledger):
    """Guards the group: workers joining, leaving and killed every few seconds under load lose and double nothing."""
    chance = random.Random(210)
    api, workers = cluster.api(), [cluster.worker(*SHORT_SESSION)]
    process = ledger.start(api, "--connections", 16, "--rate", 500, "--seconds", 200)
    for act in ("join", "join", "kill", "leave", "join", "kill"):
        time.sleep(5)
        if act == "join":
            workers.append(cluster.worker(*SHORT_SESSION))
        elif act == "leave":
            workers.pop(chance.randrange(len(workers))).stop()
        else:
            workers.pop(chance.randrange(len(workers))).kill()
    time.sleep(2)
    assert process.poll() is None, "the load ended before the last change"
    process.terminate()
    expect_no_failure(services.finish_load(process))
    ledger.judge(api, wait_seconds=90, workers=workers)
    wait_for_lag(workers)
