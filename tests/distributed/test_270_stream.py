"""The live tail of several API servers: each follows the topic, whoever recorded, and a worker has none."""

import contextlib

import expect
import stream


def ids_of(service, user, count):
    return [service.record({"userId": user, "action": "a"})["id"] for _ in range(count)]


def test_every_server_shows_what_any_recorded(cluster):
    """Guards clients behind a balancer: another server shows the same, and takes the place that the first one gave."""
    first, second, worker = cluster.api(), cluster.api(), cluster.worker()
    with stream.following(first, "?userId=both") as here, stream.following(second, "?userId=both") as there:
        recorded = ids_of(first, "both", 5) + ids_of(second, "both", 5)
        assert here.until(recorded[-1]) == there.until(recorded[-1]) == recorded
        last_id = here.last_id
    recorded += ids_of(first, "both", 3)
    with stream.following(second, "?userId=both", last_id) as there:
        recorded += ids_of(second, "both", 1)
        assert there.until(recorded[-1]) == recorded[10:]
    expect.problem(worker.get(stream.PATH), 404)


def test_a_stream_goes_on_over_an_outage(cluster, kafka):
    """Guards the tail against what it does not need, a worker, and against a broker that is away: what waited in the spill comes
    when it is back."""
    api = cluster.api()
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(stream.following(api, "?userId=alone"))
        recorded = ids_of(api, "alone", 3)
        assert one.until(recorded[-1]) == recorded
        kafka.pause()
        stack.callback(kafka.recover)
        answer = api.record({"userId": "alone", "action": "spilled"})
        assert answer["durability"] == "local-disk", answer
        kafka.resume()
        event = one.next()
        assert (event.kind, event.data["id"]) == ("activity", answer["id"]), event


def test_an_erasure_by_one_server_holds_on_the_others(cluster):
    """Guards who comes back to another server than the one that erased."""
    first, second, _ = cluster.api(), cluster.api(), cluster.worker()
    with stream.following(first) as here:
        kept = ids_of(first, "kept", 1)
        last_id = here.next().last_id
    gone = ids_of(first, "gone", 5)
    first.wait_stored(gone[-1])
    assert first.request("DELETE", "/api/v1/users/gone").status == 200
    kept = ids_of(second, "kept", 1)
    with stream.following(second, "", last_id) as there:
        assert there.until(kept[-1]) == kept
