"""The live tail: who follows gets every activity once, in order, and is told of what he misses."""

import threading
import time

import pytest

import expect
import pair
import service as services
import stream
import wire

SILENCE = ("--heartbeat", "100ms")


def record_ids(service, user, ids, **members):
    """Posts them as one array; they must all be accepted."""
    answer = service.record([{"userId": user, "action": "a", "id": one, **members} for one in ids])
    assert answer["accepted"] == len(ids), answer
    return list(ids)


def names(prefix, count, first=0):
    return [f"{prefix}-{number:05}" for number in range(first, first + count)]


def erase(service, user):
    answer = wire.wait_until(lambda: (got := service.request("DELETE", f"/api/v1/users/{user}")).status != 503 and got, "an erasure")
    assert answer.status == 200, answer


# --- what comes ---

@pair.needs_log_that_keeps
def test_activities_come_as_they_are_listed(shared):
    """Guards what an event holds: the row as a question shows it, in the order in which it came, under an id that only grows."""
    with stream.following(shared, "?userId=shape") as follower:
        sent = [{"userId": "shape", "action": f"a{n}", "metadata": {"n": n, "text": "ä\n\u2028\"", "deep": [1.50, None]}}
                for n in range(5)]
        ids = [shared.record(activity)["id"] for activity in sent]
        rows, last_ids = [], []
        for _ in ids:
            event = follower.next()
            assert event.kind == "activity"
            rows.append(event.data)
            last_ids.append(event.last_id)
        assert [row["id"] for row in rows] == ids and len(set(last_ids)) == len(ids)
        for row in rows:
            assert row == shared.wait_stored(row["id"]) and list(row) == ["id", "userId", "action", "timestamp", "metadata"]


@pair.needs_log_that_keeps
def test_only_what_passes_the_filters_comes(shared):
    """Guards the filters: those of the list, each alone and together."""
    for query, wanted in (("?userId=f1", {"1", "2"}), ("?userId=f1&userId=f2&action=go", {"1", "3"}),
                          ("?userId=f1&metadata.plan=pro", {"2"}), ("?metadata.plan=pro&userId=f2&userId=f1&action=go", {"3"})):
        with stream.following(shared, query) as follower:
            tag = f"{time.monotonic_ns()}"
            for number, user, action, plan in (("1", "f1", "go", "free"), ("2", "f1", "stay", "pro"), ("3", "f2", "go", "pro"),
                                               ("4", "f3", "go", "pro")):
                shared.record({"id": f"{tag}-{number}", "userId": user, "action": action, "metadata": {"plan": plan}})
            found = {row["id"] for row in follower.take(len(wanted))}
            assert found == {f"{tag}-{number}" for number in wanted}, query


def test_what_is_no_filter_of_a_stream_is_refused(shared):
    """Guards against a stream of everything because of a parameter that was misspelt, or that has no meaning here."""
    for query in ("userid=a", "from=2024-01-01T00:00:00Z", "to=2024-01-01T00:00:00Z", "limit=1", "page=1", "cursor=x",
                  "order=asc", "userId[$ne]=x", "metadata.$where=1", "userId=", "userId=%ff"):
        expect.problem(shared.get(f"{stream.PATH}?{query}"), 400)
    for alias in ("/api/v1/logs", "/api/logs", "/logs", "/api/activities"):
        expect.problem(shared.get(f"{alias}/stream?limit=1"), 400, detail="limit is not known")
    assert shared.request("HEAD", stream.PATH).status == 200
    assert shared.request("POST", stream.PATH, {}).status == 405


def test_a_stream_that_has_nothing_to_say_is_alive(make_service):
    """Guards connections that intermediaries would close, and their place: it moves on without an activity."""
    service = make_service(*SILENCE).start()
    with stream.following(service, "?userId=nobody") as follower:
        follower.step()
        before = follower.last_id
        record_ids(service, "somebody", names("s", 3))
        wire.wait_until(lambda: follower.step() is None and follower.last_id != before, "a heartbeat with a later place")
        assert follower.beats >= 1
    service.stop()


# --- coming back ---

@pair.needs_log_that_keeps
def test_who_comes_back_gets_what_came_since(shared):
    """Guards the id of every event: whoever names it gets all that came behind it, once and in order."""
    with stream.following(shared, "?userId=back") as follower:
        recorded = record_ids(shared, "back", names("b", 40))
        places = []
        for one in recorded:
            event = follower.next()
            assert event.data["id"] == one
            places.append(event.last_id)
    for at in (0, 1, 17, 38, 39):
        with stream.following(shared, "?userId=back", places[at]) as follower:
            recorded += record_ids(shared, "back", names("b", 1, len(recorded)))
            assert follower.until(recorded[-1]) == recorded[at + 1:]


def post_for(service, seconds, recorded, user):
    """Single activities one after the other; those that were acknowledged go into `recorded`."""
    connection = service.connect()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        one = f"{user}-{len(recorded[user]):05}"
        assert connection.post(services.COLLECTION, {"userId": user, "action": "a", "id": one}).status == 202
        recorded[user].append(one)
        time.sleep(max(pair.PAUSE_SECONDS, 0.005))
    connection.close()


@pair.needs_log_that_keeps
def test_nothing_is_missing_or_twice_while_others_write(make_service):
    """Guards the moment in which somebody who comes back joins the others: writers go on all the time."""
    service = make_service(*SILENCE).start()
    recorded = {f"join{n}": [] for n in range(3)}
    query = "?" + "&".join(f"userId={user}" for user in recorded)
    follower = stream.Follower(service, query)
    seen, last_id = [], follower.last_id
    writers = [threading.Thread(target=post_for, args=(service, 2, recorded, user)) for user in recorded]
    for writer in writers:
        writer.start()
    changes = 0
    while any(writer.is_alive() for writer in writers):
        changes += 1
        with stream.following(service, query, last_id) as one:
            events = [one.step() for _ in range(5)]
            seen += [event.data["id"] for event in events if event is not None]
            last_id = one.last_id
    for writer in writers:
        writer.join()
    everything = sum(recorded.values(), [])
    with stream.following(service, query, last_id) as one:
        seen += [row["id"] for row in one.take(len(everything) - len(seen))]
    stream.check_ledger(recorded, seen)
    stream.check_ledger(recorded, follower.finish(everything))
    assert follower.gaps == [] and changes >= 3
    service.stop()


@pair.needs_log_that_keeps
def test_who_is_far_behind_joins_those_who_are_not(make_service):
    """Guards who has to catch up with a lot: what comes meanwhile neither overtakes that nor comes twice."""
    service = make_service(*SILENCE).start()
    recorded = {f"far{n}": [] for n in range(3)}
    query = "?" + "&".join(f"userId={user}" for user in recorded)
    followers = [stream.Follower(service, query)]
    first = followers[0].last_id
    for batch in range(pair.some(15)):
        recorded["far0"] += record_ids(service, "far0", names("far0", 200, batch * 200), metadata={"fill": "x" * 2000})
        wire.wait_until(lambda: len(followers[0].rows) == len(recorded["far0"]), "one is up to date, and not too slow", 60)
    writers = [threading.Thread(target=post_for, args=(service, 2, recorded, user)) for user in recorded]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        followers.append(stream.Follower(service, query, first))
        time.sleep(0.3)
    for writer in writers:
        writer.join()
    everything = sum(recorded.values(), [])
    for follower in followers:  # as many as come back at once wait for their turn, and this process reads for all of them
        rows = follower.finish(everything, 60)
        assert follower.gaps == []  # too slow a reader is told
        stream.check_ledger(recorded, rows)
    service.stop()


@pytest.mark.parametrize("end", pair.ends())
@pair.needs_kept_log
def test_nothing_is_missing_or_twice_over_a_restart(make_service, end):
    """Guards clients that come back to another process: the ledger of what was acknowledged before, between and behind."""
    service = make_service("--listen", f"127.0.0.1:{services.free_port()}").start()
    recorded = {"restart": []}
    follower = stream.Follower(service, "?userId=restart")
    for _ in range(3):
        post_for(service, 0.5, recorded, "restart")
        service.stop() if end == "stop" else service.kill()
        service.start()
        recorded["restart"] += record_ids(service, "restart", names("restart", 20, len(recorded["restart"])))
    seen = follower.finish(recorded["restart"])
    if end == "stop" and pair.LOG == "local" and follower.gaps:
        pytest.fail(f"the log dropped what was not seen yet: {follower.gaps}")
    stream.check_ledger(recorded, seen)
    assert follower.connections >= 3
    service.stop()


def test_the_ledger_finds_what_is_wrong():
    """Guards the check itself."""
    recorded = {"a": ["a1", "a2", "a3"], "b": ["b1"]}
    stream.check_ledger(recorded, ["a1", "b1", "a2", "a3"])
    for seen in (["a1", "b1", "a3"], ["a1", "a2", "b1", "a2", "a3"], ["a2", "a1", "a3", "b1"], []):
        with pytest.raises(AssertionError):
            stream.check_ledger(recorded, seen)


@pair.needs_log_that_keeps
def test_an_event_of_another_log_is_a_gap(make_service):
    """Guards a client that comes to a service that was made anew: it is told that nobody knows what it missed, and gets what
    there is."""
    first = make_service().start()
    second = make_service().start()
    with stream.following(first) as follower:
        record_ids(first, "u", names("old", 1))
        event = follower.next()
    record_ids(second, "u", names("new", 2))
    with stream.following(second, "", event.last_id) as follower:
        gap = follower.next()
        assert (gap.kind, gap.data) == ("gap", {"missed": None, "reason": "gone"}), gap
        record_ids(second, "u", names("newer", 1))
        assert follower.until("newer-00000")[-1] == "newer-00000"
    first.stop()
    second.stop()


@pair.needs_local_log
@pair.needs_local_store
def test_what_the_log_dropped_is_a_gap(make_service):
    """Guards a client that was away for long: the log has dropped what the store covers, and it is told how much."""
    service = make_service("--log-segment-bytes", "64KiB", "--log-bytes", "1MiB").start()
    with stream.following(service) as follower:
        record_ids(service, "gap", names("g", 1))
        last_id = follower.next().last_id
    recorded = []
    for batch in range(8):
        recorded += record_ids(service, "gap", names("g", 500, 1 + batch * 500), metadata={"fill": "x" * 100})
        service.wait_settled()
    service.restart()
    recorded += record_ids(service, "gap", names("last", 1))
    with stream.following(service, "", last_id) as follower:
        gap = follower.next()
        assert gap.kind == "gap" and gap.data["reason"] == "gone", gap
        rest = follower.until("last-00000")
    assert 0 < gap.data["missed"] == len(recorded) - len(rest) and rest == recorded[-len(rest):]
    service.stop()


def test_ids_that_nobody_gave_out_are_refused(shared):
    """Guards the reader of ids: each byte of one changed, cut off or added; a receipt, which holds positions as well."""
    receipt = shared.record({"userId": "hostile", "action": "a"})["receipt"]
    with stream.following(shared) as follower:
        record_ids(shared, "hostile", names("h", 1))
        known = follower.next().last_id
    wrong = [known[:at] + other + known[at + 1:] for at in range(len(known)) for other in ("A", "B", "~") if known[at] != other]
    for one in [*wrong, known[:-1], known + "A", known * 2, receipt, "t", "0", "t" * 4000, "../../etc/passwd", "\x7f"[:0] + "-1"]:
        expect.problem(shared.get(stream.PATH, [("Last-Event-ID", one)]), 400)
    with stream.following(shared, "", known):
        pass


# --- those who are slow, leave, or are many ---

@pair.names_its_own
def test_a_slow_client_is_told_and_nobody_else_notices(fresh):
    """Guards the bound of a queue: who does not read loses the oldest, is told how many, and then goes on; a quick one next to
    him has everything."""
    fill = {"fill": "x" * 1000}
    quick = stream.Follower(fresh, "?userId=slow")
    with stream.following(fresh, "?userId=slow", small=True) as slow:
        slow.step()
        recorded = []
        for batch in range(30):
            recorded += record_ids(fresh, "slow", names("slow", 500, batch * 500), metadata=fill)
            wire.wait_until(lambda: len(quick.rows) == len(recorded), "the quick one", 20 * services.PATIENCE)
        stream.check_ledger({"slow": recorded}, quick.finish(recorded))
        assert quick.gaps == []
        seen, missed = [], 0
        while not seen or seen[-1] != recorded[-1]:
            event = slow.next()
            if event.kind == "gap":
                assert event.data["reason"] == "slow"
                missed += event.data["missed"]
            else:
                seen.append(event.data["id"])
    assert missed > 0 and missed + len(seen) == len(recorded)
    place = {one: index for index, one in enumerate(recorded)}
    assert [place[one] for one in seen] == sorted(place[one] for one in seen)


@pair.names_its_own
def test_a_hundred_who_never_read(make_service):
    """Guards everybody else: memory is shared by those who read nothing, they are cut off in time, and neither who records nor who
    reads notices; whoever was cut off comes back and is told what he missed, or given it."""
    service = make_service("--write-timeout", "2s", *SILENCE).start()
    with stream.following(service) as first:
        record_ids(service, "never", names("first", 1))
        last_id = first.next().last_id
    quick = stream.Follower(service, "?userId=never")
    before, sockets = service.peak_bytes(), service.count_sockets()
    stuck = [stream.Stream(service, small=True) for _ in range(100)]
    recorded, slowest = [], 0
    for batch in range(30):
        begun = time.monotonic()
        recorded += record_ids(service, "never", names("never", 500, batch * 500), metadata={"fill": "x" * 1000})
        wire.wait_until(lambda: len(quick.rows) == len(recorded), "the quick one", 20 * services.PATIENCE)
        slowest = max(slowest, time.monotonic() - begun)
    if not services.SANITIZED:
        assert service.peak_bytes() - before < 64 << 20
    assert slowest < 2 * services.PATIENCE, f"{slowest:.1f} s"
    wire.wait_until(lambda: service.count_sockets() <= sockets, "they are cut off", 20 * services.PATIENCE)
    for one in stuck:
        one.close()
    stream.check_ledger({"never": recorded}, quick.finish(recorded))
    assert quick.gaps == [] and quick.connections == 1
    with stream.following(service, "?userId=never", last_id) as again:
        assert again.until(recorded[-1]) == recorded
    service.stop()


@pair.names_its_own
def test_many_follow_at_once(fresh):
    """Guards the sharing of events: two hundred clients, each has everything."""
    followers = [stream.Stream(fresh, "?userId=many") for _ in range(200)]
    recorded = record_ids(fresh, "many", names("m", 50))
    for follower in followers:
        assert follower.until(recorded[-1]) == recorded
    last_id = followers[0].last_id
    for follower in followers:
        follower.close()
    recorded += record_ids(fresh, "many", names("m", 50, 50))
    again = [stream.Stream(fresh, "?userId=many", last_id) for _ in range(200)]
    for follower in again:
        assert follower.until(recorded[-1]) == recorded[50:]
        follower.close()


def test_more_than_there_may_be_are_refused(make_service):
    """Guards the bound of listeners, and that who leaves makes room."""
    service = make_service("--listeners", 3, *SILENCE).start()
    open_ones = [stream.Stream(service) for _ in range(3)]
    refused = stream.Stream(service)
    assert refused.answer.status == 503 and refused.answer.header("retry-after") == "1", refused.answer
    refused.close()
    open_ones.pop().close()

    def joins():
        one = stream.Stream(service)
        open_ones.append(one)
        return one.answer.status == 200
    wire.wait_until(joins, "room for one more")
    record_ids(service, "u", names("x", 1))
    for one in open_ones:
        if one.answer.status == 200:
            one.take(1)
        one.close()
    service.stop()


def test_streams_end_in_good_order_when_the_server_stops(make_service):
    """Guards the drain: a stream is no request that a stop waits for, and its end is no error."""
    service = make_service().start()
    followers = [stream.Stream(service, "?userId=drain") for _ in range(5)]
    recorded = record_ids(service, "drain", names("d", 3))
    for follower in followers:
        assert follower.until(recorded[-1]) == recorded
    begun = time.monotonic()
    service.stop()
    assert time.monotonic() - begun < 5 * services.PATIENCE
    for follower in followers:
        assert follower.next() is None and follower.ended
        follower.close()


# --- erased users ---

@pair.needs_log_that_keeps
def test_an_erased_user_is_not_shown_again(shared):
    """Guards an erasure against what the log still holds: who comes back gets none of it, and what is recorded afterwards."""
    query = "?userId=erased&userId=kept"
    with stream.following(shared, query) as follower:
        record_ids(shared, "kept", names("kept", 1))
        last_id = follower.next().last_id
        record_ids(shared, "erased", names("erased", 20))
        kept = record_ids(shared, "kept", names("kept", 5, 1))
        follower.take(25)
    shared.wait_settled()
    erase(shared, "erased")
    record_ids(shared, "erased", names("again", 2))
    with stream.following(shared, query, last_id) as follower:
        seen = [row["id"] for row in follower.take(7)]
        record_ids(shared, "kept", names("end", 1))
        assert follower.take(1)[0]["id"] == "end-00000"
    assert sorted(seen) == sorted([*kept, *names("again", 2)])


@pair.names_its_own
def test_what_waits_for_a_slow_client_is_forgotten(fresh):
    """Guards queues: what was not handed to the network when its user is erased never is."""
    fill = {"fill": "x" * 1000}
    with stream.following(fresh, small=True) as slow:
        slow.step()
        for batch in range(20):
            record_ids(fresh, "kept", names("k", 250, batch * 250), metadata=fill)
        record_ids(fresh, "erased", names("e", 50))
        fresh.wait_settled()
        time.sleep(0.2)  # for the queue to have them
        erase(fresh, "erased")
        record_ids(fresh, "kept", names("end", 1))
        users, event = [], slow.next()
        while event.data.get("id") != "end-00000":
            users.append(event.data.get("userId"))
            event = slow.next()
    assert "erased" not in users and users.count("kept") > 100
