"""The spill of an API server whose broker is away: its limit, its death, and every way that it is emptied."""

import shutil
import time

import service as services
import wire
from cluster import Ledger, consume, expect_users_in_order, log_lines, spill, wait_for_empty_spill, wait_for_lag


def test_a_spill_that_is_full(cluster, tmp_path):
    """Guards the spill's limit: beyond it 503 with a time to come back, and all that was acknowledged is there afterwards."""
    ledger = Ledger(tmp_path)
    api, worker = cluster.api("--spill-bytes", "1MiB"), cluster.worker()
    cluster.kafka.proxy.cut()
    figures = services.finish_load(ledger.start(api, "--connections", 8, "--count", 6000, "--batch", 50), timeout=120)
    assert figures["refused"] > 0 and figures["acknowledged"] > 0, figures
    assert set(figures["statuses"]) <= {"202", "503"}, figures
    answer = api.post({"userId": "u", "action": "a"})
    assert answer.status == 503 and int(answer.header("retry-after")) >= 1, answer
    cluster.kafka.proxy.resume()
    wait_for_empty_spill(api)
    ledger.judge(api, wait_seconds=90, workers=[worker])
    wait_for_lag([worker])


def test_a_spill_survives_a_kill(cluster, ledger):
    """Guards what was answered local-disk: the API server dies with its spill full, and forwards it when it is back."""
    api, worker = cluster.api(), cluster.worker()
    cluster.kafka.proxy.cut()
    figures = services.finish_load(ledger.start(api, "--connections", 8, "--count", 2000))
    assert figures["acknowledged"] == 2000
    assert spill(api)["activities"] == 2000
    api.kill()
    cluster.kafka.proxy.resume()
    api.start()
    wait_for_empty_spill(api)
    ledger.judge(api, wait_seconds=60, workers=[worker])
    wait_for_lag([worker])


def test_a_clean_stop_forwards_the_spill(cluster, ledger):
    """Guards SIGTERM: what waits on the disk is forwarded before the end, as far as the broker is there."""
    api, _ = cluster.api(), cluster.worker()
    cluster.kafka.proxy.cut()
    assert services.finish_load(ledger.start(api, "--connections", 8, "--count", 2000))["acknowledged"] == 2000
    cluster.kafka.proxy.resume()
    api.stop(timeout=40)
    other = cluster.api()
    ledger.judge(other, wait_seconds=60)


def test_a_spill_that_died_is_told_before_it_is_needed(cluster):
    """Guards who looks at probes: a spill whose folder was removed shows while Kafka is there, once in the log, and keeps
    nobody from being served. The next outage is refused, not accepted and lost; a restart mends it."""
    api = cluster.api("--kafka.delivery.timeout.ms", "1500")
    assert spill(api)["state"] == "ok" and api.get("/health").json["status"] == "ok"
    shutil.rmtree(api.data / "spill")
    wire.wait_until(lambda: spill(api)["state"] != "ok", "that the probe tells it", 15 * services.PATIENCE, 0.1)
    assert "removed" in spill(api)["reason"] and api.get("/readyz").status == 200
    health = api.get("/health")
    assert health.status == 200 and health.json["status"] == "degraded" and "removed" in health.json["eventLog"]["spill"]["reason"]
    assert api.record({"userId": "u", "action": "a"})["durability"] == "replicated"
    cluster.kafka.proxy.cut()
    assert api.post({"userId": "u", "action": "b"}).status == 503
    cluster.kafka.proxy.resume()
    assert [line["message"] for line in log_lines(api)].count("the spill does not accept activities") == 1
    api.restart()
    assert spill(api)["state"] == "ok" and api.get("/health").json["status"] == "ok"


def damage(segment):
    """Turns a bit in the first activity that was written there: behind the headers of its commit and of itself (segment_format.h)."""
    content = bytearray(segment.read_bytes())
    content[content.index(b"\xf8UT\x01") + 64 + 44] ^= 1
    segment.write_bytes(content)


def test_forwarding_by_hand(cluster, ledger):
    """Guards a spill that nobody comes back for: `usertrail forward` sends it on. That it cannot note how far it came, and that the
    spill is damaged, have exit codes and words, and no consequence for all else."""
    api, _ = cluster.api(), cluster.worker()
    here, kept = api.data / "spill", api.home / "kept"

    def forward(code):
        result = services.run_program("forward", api.data, "--event-log", "kafka", "--kafka-brokers", cluster.kafka.address,
                                      "--kafka-topic", cluster.name, timeout=60)
        assert result.returncode == code, result
        return result

    def put_back():
        shutil.rmtree(here)
        shutil.copytree(kept, here)

    cluster.kafka.proxy.cut()
    assert services.finish_load(ledger.start(api, "--connections", 8, "--count", 500))["acknowledged"] == 500
    api.kill()
    shutil.copytree(here, kept)
    cluster.kafka.proxy.resume()
    forward(code=0)
    put_back()
    (here / "moved.draft" / "somebody's").mkdir(parents=True)
    result = forward(code=1)
    assert "could not be noted" in result.stderr and "not empty" in result.stderr, result.stderr
    assert "500 activities were forwarded; nothing is left" in result.stdout, result.stdout
    put_back()
    damage(min(here.glob("*.segment")))
    (here / "moved.draft" / "somebody's").mkdir(parents=True)
    assert "could not be noted" in forward(code=1).stderr  # what may go once more counts before what is lost
    put_back()
    damage(min(here.glob("*.segment")))
    result = forward(code=3)
    assert "activities are missing" in result.stderr and "what cannot be read was not forwarded" in result.stderr, result.stderr
    assert "499 activities were forwarded; nothing that can be read is left" in result.stdout, result.stdout
    assert any((here / "set-aside").iterdir())
    forward(code=0)
    ledger.judge(cluster.api(), wait_seconds=60)


def test_answers_of_the_broker_get_lost(cluster, ledger):
    """Guards what a broker wrote and could not say so: it goes through the spill and is written again, the store has it once, and
    nobody is told a failure."""
    api, worker = cluster.api(), cluster.worker()
    process = ledger.start(api, "--connections", 32, "--rate", 500, "--seconds", 12, "--ordered-user-per-connection")
    time.sleep(2)
    cluster.kafka.proxy.hold_answers()
    time.sleep(7)
    cluster.kafka.proxy.cut()
    cluster.kafka.proxy.resume()
    figures = services.finish_load(process)
    assert set(figures["statuses"]) == {"202"}, figures
    wait_for_empty_spill(api)
    ledger.judge(api, wait_seconds=60, workers=[worker])
    wait_for_lag([worker])
    expect_users_in_order(cluster, figures["acknowledged"])
    assert len(consume(cluster)) > figures["acknowledged"], "nothing was written twice, so no answer was lost"
