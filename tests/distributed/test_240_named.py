"""What the tests themselves promise to somebody who names servers: they are used, seem away when they shall, and nothing stays."""

import pytest

import service as services
import wire
from clients import KafkaClient, mongo_command
from cluster import cluster, lag
from named import UNKNOWN_GROUP, UNKNOWN_TOPIC, NamedKafka, NamedMongo, named_or_ours
from servers import KafkaServer, MongoServer


@pytest.fixture
def named(kafka, mongodb, monkeypatch):
    """Both servers as if they were not ours."""
    monkeypatch.setenv(KafkaServer.variable, kafka.address)
    monkeypatch.setenv(MongoServer.variable, mongodb.address)
    return kafka, mongodb


def databases(server):
    return {one["name"] for one in mongo_command(server.address, {"listDatabases": 1}, "admin")["databases"]}


def test_nothing_stays_on_named_servers(named):
    """Guards servers of others: topics, group and database of a test were there, and are gone."""
    kafka, mongodb = named
    with named_or_ours(KafkaServer) as broker, named_or_ours(MongoServer) as store:
        assert (type(broker), type(store)) == (NamedKafka, NamedMongo)
        with cluster(broker, store) as one:
            api, worker = one.api(), one.worker()
            api.wait_stored(api.record({"userId": "u", "action": "a"})["id"])
            assert one.name in databases(mongodb)
            with KafkaClient(kafka.address, one.name) as client:
                assert client.send(b"{}")
            worker.stop()
    assert one.name not in databases(mongodb)
    for topic in (one.name, f"{one.name}.refused"):
        with KafkaClient(kafka.address, topic) as client:
            assert client.try_delete_topic() == UNKNOWN_TOPIC
            assert client.try_delete_group(f"{one.name}-workers") == UNKNOWN_GROUP


def test_named_servers_seem_away(named):
    """Guards the outages of other tests: usertrail gets around neither proxy."""
    with named_or_ours(KafkaServer) as broker, named_or_ours(MongoServer) as store, cluster(broker, store) as one:
        api, worker = one.api(), one.worker()
        api.wait_stored(api.record({"userId": "u", "action": "a"})["id"])
        wire.wait_until(lambda: worker.get("/health").json["worker"]["stored"] == 1, "one that is covered", 20 * services.PATIENCE, 0.05)
        store.proxy.cut()
        assert api.record({"userId": "u", "action": "a"})["durability"] == "replicated"
        wire.wait_until(lambda: lag(worker) == 1, "one that cannot be stored", 30 * services.PATIENCE, 0.1)
        broker.proxy.cut()
        assert api.record({"userId": "u", "action": "a"})["durability"] == "local-disk"
        broker.recover()
        store.recover()
        api.wait_count(3)
        worker.stop()
