"""Topics that are missing, gone, or not what they were; and reading one again."""

import json
import time

import pytest

import expect
import service as services
import wire
from clients import KafkaClient
from cluster import PARTITIONS, consume


def post_numbers(api, count, user="u"):
    items = [{"userId": f"{user}-{number % 10}", "action": "a", "metadata": {"n": number}} for number in range(count)]
    answer = api.post(items)
    assert answer.status == 202, answer
    return [result["id"] for result in answer.json["results"]]


def replay(cluster, *arguments, timeout=60):
    return services.run_program("replay", *cluster.flags(), *arguments, timeout=timeout)


def test_a_missing_topic_is_made(cluster):
    """Guards the first start: whichever role comes first, the topic is made with the partitions that are configured."""
    worker = cluster.worker()
    api = cluster.api()
    activity_id = expect.accepted_one(api.post({"userId": "u", "action": "a"}), "replicated")
    api.wait_stored(activity_id)
    wire.wait_until(lambda: worker.get("/health").json["worker"]["stored"] == 1, "the worker counts it", 20 * services.PATIENCE, 0.01)


def test_replaying_changes_nothing(cluster):
    """Guards replay: the whole topic read three times again, and neither count nor content changes."""
    api, worker = cluster.api(), cluster.worker()
    post_numbers(api, 1500)
    before = api.wait_count(1500)
    for _ in range(3):
        result = replay(cluster, "--from", "0")
        assert result.returncode == 0 and "1500 activities read" in result.stdout + result.stderr, result
    assert api.walk() == before
    assert worker.get("/health").json["worker"]["stored"] == 1500


def test_replaying_brings_back_what_the_store_lost_but_nobody_erased(cluster):
    """Guards what a replay is for: documents that are gone come back, erased users do not."""
    api, _ = cluster.api(), cluster.worker()
    post_numbers(api, 200)
    rows = api.wait_count(200)
    assert api.request("DELETE", "/api/v1/users/u-3").status == 200
    cluster.delete_documents({"userId": {"$in": ["u-1", "u-2"]}})
    assert len(api.walk()) == 140
    assert replay(cluster, "--from", "0").returncode == 0
    assert api.walk() == [row for row in rows if row["userId"] != "u-3"]


def test_replaying_a_time(cluster):
    """Guards --from and --to by time: only what the topic took between them is read."""
    api, _ = cluster.api(), cluster.worker()
    post_numbers(api, 50, "early")
    api.wait_count(50)
    border = cluster.now()
    post_numbers(api, 70, "late")
    api.wait_count(120)
    result = replay(cluster, "--from", border)
    assert result.returncode == 0 and "70 activities read" in result.stdout + result.stderr, result
    result = replay(cluster, "--from", "2020-01-01T00:00:00Z", "--to", border)
    assert result.returncode == 0 and "50 activities read" in result.stdout + result.stderr, result
    result = replay(cluster, "--from", "yesterday")
    assert result.returncode == 2 and "yesterday" in result.stderr


@pytest.mark.parametrize("meanwhile, away_seconds", [("stopped", 0), ("running", 0), ("running", 7)])
def test_a_topic_made_anew_is_noticed(cluster, meanwhile, away_seconds):
    """Guards against silence: a worker whose topic was deleted and made anew says so and ends, also where librdkafka's consumer
    never does, as after a while without the topic. With another topic nothing is missing, and what was accepted into the new one
    is there for it."""
    api, worker = cluster.api(), cluster.worker()
    post_numbers(api, 300)
    api.wait_count(300)
    if meanwhile == "stopped":
        worker.stop()
        api.stop()
    with KafkaClient(cluster.kafka.address, cluster.name) as client:
        client.delete_topic()
        time.sleep(away_seconds)
        client.create_topic(PARTITIONS)
    if meanwhile == "stopped":
        worker.launch()
    assert worker.wait_end(60) == 1
    assert "made anew" in worker.stderr
    if meanwhile == "running":
        accepted = post_numbers(api, 100, "new")
        assert set(accepted) <= {json.loads(message["value"])["id"] for message in consume(cluster)}


@pytest.mark.parametrize("stop", ["clean", "kill"])
def test_restarts_go_on_where_they_were(cluster, stop):
    """Guards the committed offsets: a worker that comes back does not read the topic from its beginning."""
    api, worker = cluster.api(), cluster.worker()
    post_numbers(api, 500)
    api.wait_count(500)
    wire.wait_until(lambda: worker.get("/health").json["worker"]["pending"] == 0, "no lag", 20 * services.PATIENCE, 0.05)
    if stop == "clean":
        worker.stop()
    else:
        time.sleep(2.5)  # offsets are committed every second
        worker.kill()
    worker.start()
    post_numbers(api, 10, "more")
    api.wait_count(510)
    assert worker.get("/health").json["worker"]["redelivered"] == 0
