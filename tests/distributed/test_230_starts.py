"""Starts with something missing: what does not need it works, says what is missing, and all of it comes by itself."""

import concurrent.futures
import time

import expect
import service as services
import wire
from clients import CONSUMER, KafkaClient
from cluster import log_lines, wait_for_lag
from servers import KafkaServer

REFUSED = "/api/v1/refused"
OTHER_CLUSTER_ID = "YW5vdGhlci1jbHVzdGVyIQ"


def messages(service, level):
    return [line["message"] for line in log_lines(service) if line["level"] == level]


def ask_alone(api, method, target):
    with api.connect() as connection:
        return connection.request(method, target)


def test_an_api_server_starts_without_the_store(cluster):
    """Guards ingest against a store that is away at the start: activities are accepted, questions are told 503 in words, and
    when the store is there nobody has to do anything."""
    cluster.mongodb.proxy.cut()
    begun = time.monotonic()
    api = cluster.api()
    assert time.monotonic() - begun < 10 * services.PATIENCE, "the start waits for one answer, not for the store"
    activity = api.record({"userId": "u", "action": "a"})
    assert activity["durability"] == "replicated"
    questions = [("GET", services.COLLECTION), ("GET", f"{services.COLLECTION}/{activity['id']}"), ("GET", REFUSED),
                 ("DELETE", "/api/v1/users/u")]
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:  # each waits for the driver's time to find a server
        for answer in pool.map(lambda question: ask_alone(api, *question), questions):
            assert "MongoDB" in expect.problem(answer, 503)["detail"]
    assert api.get("/livez").status == api.get("/readyz").status == 200
    assert any("MongoDB is away" in message for message in messages(api, "warning")), api.stderr
    cluster.mongodb.proxy.resume()
    cluster.worker()
    api.wait_stored(activity["id"], timeout=60)
    assert api.get(REFUSED).status == 200
    wire.wait_until(lambda: "MongoDB answers again" in messages(api, "info"), "that it is told", 30 * services.PATIENCE, 0.2)
    api.stop()


def test_a_queue_that_is_too_small_is_told(cluster):
    """Guards a setting against counting as another one without a word: a queue in which no activity would fit."""
    small, usual = cluster.api("--log-queue-bytes", "1MiB"), cluster.api()
    words = "log-queue-bytes is less than"
    told = [line for line in log_lines(small) if line["message"].startswith(words)]
    assert [(line["level"], line["bytes"]) for line in told] == [("warning", 8 << 20)]
    assert words not in usual.stderr
    assert small.record({"userId": "u", "action": "a", "metadata": {"text": "x" * 60000}})["durability"] == "replicated"


def test_a_session_that_the_brokers_do_not_allow_ends_a_worker(cluster):
    """Guards against a worker that seems fine and stores nothing, since the group never lets it in: how long sessions may be,
    only the brokers know."""
    worker = cluster.make("worker", "--kafka.session.timeout.ms", "4000", "--kafka.heartbeat.interval.ms", "1000")
    worker.launch()
    assert worker.wait_end(30) == 1
    assert "Kafka lets nobody into a group with this session.timeout.ms" in worker.stderr


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


def event_log(api):
    return api.get("/readyz?verbose").json["eventLog"]


def test_an_api_server_starts_without_room_for_its_spill(cluster):
    """Guards a start on a disk that is nearly full: Kafka takes what is accepted, and probes and a line of the log say that the
    next outage would be refused."""
    api = cluster.make("api")
    api.file_bytes_max = 1 << 20  # the spill's first file wants 8 MiB
    api.start()
    assert event_log(api)["state"] == "ok" and event_log(api)["spill"]["state"] == "no-space"
    assert api.get("/health").json["status"] == "degraded"
    assert messages(api, "error") == ["the spill does not accept activities"]
    assert api.record({"userId": "u", "action": "a"})["durability"] == "replicated"
    api.stop()
    api.file_bytes_max = None
    api.start()
    assert event_log(api)["spill"]["state"] == "ok" and api.get("/health").json["status"] == "ok"


# --- without Kafka ---


def wait_for_empty_spill(api):
    wire.wait_until(lambda: event_log(api)["spill"]["activities"] == 0 and "reason" not in event_log(api), "an empty spill",
                    90 * services.PATIENCE, 0.1)


def fail_to_start(service, *words):
    """The end of a start, which must be told in these words."""
    service.launch()
    assert service.wait_end(60) == 1
    for word in words:
        assert word in service.stderr, service.stderr


def test_an_api_server_starts_without_kafka(mortal_cluster, ledger):
    """Guards ingest against a restart during an outage of Kafka, also a second one by kill: what the server knows of the topic
    from before is enough to accept. It says so, and when Kafka is there all of it goes there, once, per user in order."""
    api, worker = mortal_cluster.api(), mortal_cluster.worker()
    assert api.record({"userId": "before", "action": "a"})["durability"] == "replicated"
    api.stop()
    mortal_cluster.kafka.stop()
    begun = time.monotonic()
    api.start()
    assert time.monotonic() - begun < 6 * services.PATIENCE
    assert any("does not answer at the start" in message for message in messages(api, "warning"))
    assert "cannot be reached" in event_log(api)["reason"] and "no Kafka broker answered" in event_log(api)["reason"]
    assert api.record({"userId": "meanwhile", "action": "a"})["durability"] == "local-disk"
    process = ledger.start(api, "--connections", 16, "--rate", 100 if services.SANITIZED else 1000, "--seconds", 120,
                           "--ordered-user-per-connection")
    time.sleep(3)
    api.kill()
    api.start()
    assert event_log(api)["spill"]["activities"] > 0
    time.sleep(2)
    mortal_cluster.kafka.start()
    wait_for_empty_spill(api)
    process.terminate()
    figures = services.finish_load(process)
    assert figures["refused"] == figures["rejected"] == 0 < figures["acknowledged"], figures
    wait_for_empty_spill(api)
    assert any("has the topic that was known" in message for message in messages(api, "info"))
    assert api.record({"userId": "afterwards", "action": "a"})["durability"] == "replicated"
    assert ledger.judge(api, wait_seconds=90, workers=[worker])["inOrder"] > 0
    wait_for_lag([worker])
    assert len(api.walk("&userId=meanwhile")) == len(api.walk("&userId=before")) == 1


def test_a_topic_that_nobody_knows_is_waited_for(cluster):
    """Guards a wrong address against going unnoticed: a first start needs Kafka, and so does one with another address, or
    with a file that says nothing for sure."""
    api = cluster.make("api", "--connect-timeout", "2s")
    cluster.kafka.proxy.cut()
    fail_to_start(api, "no Kafka broker answered within 2000 ms")
    cluster.kafka.proxy.resume()
    api.start().stop()
    known = api.data / "spill" / "topic"
    whole = known.read_bytes()
    cluster.kafka.proxy.cut()
    known.write_bytes(whole[:-3])
    fail_to_start(api, "no Kafka broker answered within 2000 ms")
    known.write_bytes(whole)
    other = services.Service("--role", "api", *api.flags[2:], "--kafka-brokers", f"{cluster.kafka.address},127.0.0.1:1")
    cluster.made.append(other)
    fail_to_start(other, "no Kafka broker answered within 2000 ms")
    api.start()
    assert api.record({"userId": "u", "action": "a"})["durability"] == "local-disk"
    cluster.kafka.proxy.resume()
    wait_for_empty_spill(api)
    assert known.read_bytes() == whole


def test_another_kafka_at_the_same_address_gets_nothing(mortal_cluster, ledger):
    """Guards what was promised for one cluster: a server that finds another one behind the address ends and says why, at once
    or at its next start, and sends nothing there. When the right one is back, so is everything."""
    proxy = mortal_cluster.kafka.proxy
    api = mortal_cluster.api("--drain-timeout", "1s", "--connect-timeout", "10s")
    api.stop()
    other = KafkaServer()
    other.CLUSTER_ID = OTHER_CLUSTER_ID
    with other:
        right_place = proxy.server
        proxy.cut()
        api.start()
        assert services.finish_load(ledger.start(api, "--connections", 8, "--count", 500))["acknowledged"] == 500
        try:
            proxy.server = (right_place[0], other.port)
            proxy.resume()
            assert api.wait_end(60) == 1
            assert "another one than before" in api.stderr and "stays on this machine's disk" in api.stderr
            assert "has been made" not in api.stderr
            fail_to_start(api, "500 activities wait", "usertrail forward")
            with KafkaClient(other.address, mortal_cluster.name, CONSUMER) as client:
                assert all(client.receive(1, partition, timeout_ms=1000) == [] for partition in range(mortal_cluster.partitions))
            proxy.cut()
        finally:
            proxy.server = right_place
    proxy.resume()
    api.start()
    wait_for_empty_spill(api)
    worker = mortal_cluster.worker()
    ledger.judge(api, wait_seconds=60, workers=[worker])
    wait_for_lag([worker])
