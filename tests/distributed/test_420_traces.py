"""Traces over Kafka: the headers of messages that other programs see and send, an API server that records none and carries them on,
and a spill that keeps them."""

import json
import secrets

import collector as collectors
import node_programs
import service as services
from cluster import consume, spill, wait_for_empty_spill

ONE = {"userId": "user", "action": "act"}


def post_in(api, body=ONE, flags="01"):
    """Posts as a part of a new trace; returns its ids and the answer's."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    answer = api.post(body, [("traceparent", f"00-{trace}-{span}-{flags}"), ("tracestate", "congo=1")])
    assert answer.status == 202, answer
    return trace, span, answer.json


def headers_in_topic(cluster):
    """Of each message, by its activity's id."""
    return {json.loads(message["value"]).get("id"): message["headers"] for message in consume(cluster)}


def test_traces_go_through_the_topic(cluster):
    """Guards both sides of the broker in one cluster: spans of publishing and of storing in the caller's trace, the same context in
    the headers that a foreign consumer sees, the context of a foreign producer in the worker's span, what nobody samples carried
    without a span, and what a spill kept forwarded with its context."""
    with collectors.collecting() as collector:
        extra = collector.environment()
        api, worker = cluster.api("--kafka.delivery.timeout.ms", "1500", extra=extra), cluster.worker(extra=extra)
        trace, caller, told = post_in(api)
        request = collector.wait(trace=trace, name=f"POST {services.COLLECTION}")
        publish = collector.wait(trace=trace, name=f"publish {cluster.name}")
        batch = collector.wait(trace=trace, name="store batch")
        assert (request.parent, publish.parent, batch.parent) == (caller, request.id, publish.id)
        assert (publish.kind, batch.kind, batch.links) == ("PRODUCER", "CONSUMER", [(trace, publish.id)])
        messaging = {"messaging.system": "kafka", "messaging.destination.name": cluster.name, "messaging.batch.message_count": 1}
        assert publish.attributes == {**messaging, "messaging.operation.name": "publish", "messaging.operation.type": "send",
                                      "usertrail.event_log": "kafka", "usertrail.activities": 1,
                                      "usertrail.durability": "replicated"}
        assert batch.attributes.items() >= {**messaging, "messaging.operation.name": "store", "messaging.operation.type": "process",
                                            "messaging.consumer.group.name": cluster.group, "usertrail.store": "mongodb"}.items()
        unsampled, unsampled_caller, untold = post_in(api, flags="00")

        foreign, foreign_span = secrets.token_hex(16), secrets.token_hex(8)
        node_programs.run("produce.mjs", "--broker", cluster.kafka.address, "--topic", cluster.name, "--count", 5,
                          "--traceparent", f"00-{foreign}-{foreign_span}-01")
        batches = collector.matching(name="store batch")
        while not any((foreign, foreign_span) in span.links for span in batches):
            batches += [collector.wait(trace=foreign, name="store batch")]

        cluster.kafka.proxy.cut()
        spilled, _, kept = post_in(api)
        assert kept["durability"] == "local-disk" and spill(api)["activities"] == 1
        kept_span = collector.wait(trace=spilled, name=f"publish {cluster.name}")
        assert kept_span.attributes["usertrail.durability"] == "local-disk"
        cluster.kafka.proxy.resume()
        wait_for_empty_spill(api)
        assert collector.wait(trace=spilled, name="store batch").links == [(spilled, kept_span.id)]

        headers = headers_in_topic(cluster)
        assert headers[told["id"]] == {"content-type": "application/json", "tracestate": "congo=1",
                                       "traceparent": f"00-{trace}-{publish.id}-01"}
        assert headers[untold["id"]]["traceparent"] == f"00-{unsampled}-{unsampled_caller}-00"
        assert headers[kept["id"]]["traceparent"] == f"00-{spilled}-{kept_span.id}-01"
        assert not collector.matching(trace=unsampled)
        for one in (api, worker):
            one.stop(timeout=40)


def test_who_records_none_carries_them_on(cluster):
    """Guards an API server without a collector: what came stands in the message as it was, for whoever reads the topic, and a message
    without a trace has no such header."""
    api = cluster.api()
    trace, caller, told = post_in(api)
    plain = api.record(ONE)
    headers = headers_in_topic(cluster)
    assert headers[told["id"]] == {"content-type": "application/json", "tracestate": "congo=1",
                                   "traceparent": f"00-{trace}-{caller}-01"}
    assert headers[plain["id"]] == {"content-type": "application/json"}
