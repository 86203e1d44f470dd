"""The sums over API servers, workers, Kafka and MongoDB: duplicates, conflicts, rejects, messages of other programs and such that
are none, workers that are killed, rebalances and replays, held against a ledger outside of the system; and refused activities
that are sent again."""

import json
import random
import threading
import time

import pytest

import expect
import service as services
import wire
from clients import KafkaClient, mongo_command
from refusals import listed, resend, wait_listed
from sums import Ledger, account, activity, expect_as_in, mixture, wait_handled

INDEX = "somebodys_own"


def send_foreign(cluster, ledger, activities, poison):
    """What other programs write to the topic, and what is no activity."""
    with KafkaClient(cluster.kafka.address, cluster.name) as client:
        for number in range(activities):
            assert client.send(json.dumps({"userId": f"foreign-{number}", "action": "act"}).encode())
        for number in range(poison):
            assert client.send(b"not an activity %d" % number)
    ledger.outcomes["stored"] += activities
    ledger.outcomes["refused"] += poison


def replay(cluster):
    result = services.run_program("replay", *cluster.flags(), "--from", "0", timeout=60)
    assert result.returncode == 0, result


def test_the_sums_of_a_cluster(cluster):
    """Guards promise 3 over processes: each position has one outcome, whoever was killed, and a replay counts nothing again."""
    ledger = Ledger()
    api, workers = cluster.api(), [cluster.worker(), cluster.worker()]
    ledger.post(api, *mixture(0, 300))
    send_foreign(cluster, ledger, activities=5, poison=3)
    document = expect_as_in(ledger, api)
    assert document["logs"][0]["foreign"] == 5 and "stored" not in document["minutes"][0]
    workers[0].kill()
    ledger.post(api, *mixture(300, 300))
    workers[0].start()
    ledger.post(api, *mixture(600, 300))
    expect_as_in(ledger, api, 60)
    replay(cluster)
    log = expect_as_in(ledger, api)["logs"][0]
    assert log["replayed"] == 0
    assert cluster.delete_documents({"userId": "user-3"}) > 0
    gone = ledger.outcomes["stored"] - cluster.count_documents()
    replay(cluster)
    log = expect_as_in(ledger, api)["logs"][0]
    assert log["replayed"] == gone > 100 and cluster.count_documents() == ledger.outcomes["stored"]
    for wrong in ({"stored": -1}, {"stored": -1, "refused": 1}, {"duplicate": -1}):
        with pytest.raises(AssertionError):
            expect_as_in(ledger.twisted(**wrong), api)


def test_the_sums_under_load_and_kills(cluster, ledger):
    """Guards the counts of workers that die anywhere between inserting and raising positions, and of those that take over while
    the other one still works: as many are stored as there are documents, each position once."""
    chance = random.Random(260)
    api, workers = cluster.api(), [cluster.worker("--kafka.session.timeout.ms", "6000") for _ in range(2)]
    process = ledger.start(api, "--connections", 16, "--seconds", 9 * services.PATIENCE, "--rate", 1500)
    for number in range(4):
        time.sleep(chance.uniform(0.3, 1.5) * services.PATIENCE)
        worker = workers[number % 2]
        if number == 1:
            worker.stop()
        else:
            worker.kill()
        time.sleep(chance.uniform(0, 0.5) * services.PATIENCE)
        worker.start()
        account(api)
    figures = services.finish_load(process, timeout=90)
    assert figures["acknowledged"] > 0 and set(figures["statuses"]) == {"202"}, figures
    ledger.judge(api, wait_seconds=60, workers=workers)
    wait_handled(api, figures["acknowledged"], 60)
    log = account(api)["logs"][0]
    assert log["stored"] == cluster.count_documents() == figures["acknowledged"]
    assert log["positions"] == log["stored"] + log["duplicate"] and log["replayed"] == 0


def own_index(cluster, **members):
    index = {"key": {"metadata.serial": 1}, "name": INDEX, "unique": True, "sparse": True}
    mongo_command(cluster.mongodb.address, {"createIndexes": "activities", "indexes": [{**index, **members}]}, cluster.name)


def drop_index(cluster):
    mongo_command(cluster.mongodb.address, {"dropIndexes": "activities", "index": INDEX}, cluster.name)


def test_refused_activities_are_sent_again(cluster):
    """Guards resending over processes: what an index of somebody's own kept out is stored once the index is gone, with its id;
    one that still cannot be stored comes back to the list, and what is no activity stays and says why."""
    api, worker = cluster.api(), cluster.worker()
    ledger = Ledger()
    ledger.post(api, activity(0))
    expect_as_in(ledger, api)
    own_index(cluster)
    serials = [activity(number, metadata={"serial": number % 10}) for number in range(1, 41)]
    for serial in serials:
        api.record(serial)
    send_foreign(cluster, ledger, activities=0, poison=1)
    refused = wait_listed(api, 31)
    wait_handled(api, 42)
    log = account(api)["logs"][0]
    assert (log["stored"], log["refused"], log["pending"]) == (11, 31, 0)
    first = next(entry for entry in refused if '"a-40"' in (entry["raw"] or ""))
    assert resend(api, f"/{first['id']}/resend").json["activityId"] == "a-40"
    wait_handled(api, 43)
    wait_listed(api, 31)
    assert first["id"] not in listed(api), "it came back with another position"
    drop_index(cluster)
    answer = resend(api, "/resend?limit=1000").json
    assert answer["resent"] == 30 and answer["durability"] == "replicated" and len(answer["kept"]) == 1
    poison = answer["kept"][0]["id"]
    assert "JSON" in expect.problem(resend(api, f"/{poison}/resend"), 409)["detail"]
    wait_handled(api, 73)
    log = account(api)["logs"][0]
    assert (log["stored"], log["refused"], log["positions"]) == (41, 32, 73)
    assert listed(api) == [poison]
    assert {row["id"] for row in api.walk()} == {f"a-{number}" for number in range(41)}
    assert account(api)["edge"]["resent"] == 31
    worker.stop()


def test_a_kill_while_all_are_sent(cluster):
    """Guards the moment between the topic and the list: an API server that dies there leaves entries that can be sent again, and
    each activity is stored once."""
    chance = random.Random(261)
    count = 300
    api = cluster.api()
    cluster.worker()
    api.record(activity(0, metadata={"serial": 0}))
    api.wait_count(1)
    own_index(cluster)
    api.record([activity(number, metadata={"serial": 0}) for number in range(1, count + 1)])
    wait_listed(api, count)
    drop_index(cluster)

    def send_on():
        try:
            while resend(api, "/resend?limit=10").json["listed"] > 0:
                pass
        except (wire.Closed, OSError, KeyError):
            pass

    for _ in range(3):
        sender = threading.Thread(target=send_on)
        sender.start()
        time.sleep(chance.uniform(0.02, 0.15) * services.PATIENCE)
        api.process.kill()
        sender.join()
        api.kill()
        api.start()
    wire.wait_until(lambda: resend(api, "/resend?limit=1000").json["listed"] == 0, "an empty list", 30 * services.PATIENCE, 0.05)
    rows = api.wait_count(count + 1)
    assert {row["id"] for row in rows} == {f"a-{number}" for number in range(count + 1)}
    wait_handled(api, 2 * count + 1)
    log = account(api)["logs"][0]
    assert (log["stored"], log["refused"], log["conflict"]) == (count + 1, count, 0)
    assert log["positions"] == 2 * count + 1 + log["duplicate"]
