"""All that is known of one user: what was refused goes with an erasure, and one answer has everything until then."""

import json
import urllib.parse

import pytest

import expect
import pair
import refused_file
import service as services
import wire
from refusals import entries, listed, resend

USERS = "/api/v1/users"

# Messages that were refused for something else than their user, and whose they are.
MESSAGES = [
    (b'{"id":"m-0","userId":"ann","action":"act"}', "ann"),
    (b'{"userId":"ann"}', "ann"),
    (b' { "n": [{"userId":"ann"}], "userId" : "bob" , "action":1}', "bob"),
    (b'{"userId":"\\u0061nn","unknown":true,"action":"act"}', "ann"),
    (b'{"userId":"ann","action":"act","metadata":{"text":"cut of', "ann"),
    (b'{"userId":101,"action":"act"}', "101"),
    (b'[{"userId":"ann","action":"act"}]', None),
    (b"not JSON, though it says ann", None),
    (b"\xff\xfe", None),
]


def erase(service, user):
    answer = service.request("DELETE", f"{USERS}/{user}")
    assert answer.status == 200, answer
    return answer.json


@pair.names_its_own
def test_what_was_refused_goes_with_its_user(make_service):
    """Guards that an erased user's refused messages are in no answer, at once and behind a restart, and cannot be sent again, and
    that nobody else's go."""
    service, ids = refused_file.make(make_service, *(raw for raw, _ in MESSAGES))
    service.start()
    assert listed(service) == ids[::-1]
    for user, count in (("ann", 4), ("101", 1), ("nobody", 0)):
        assert erase(service, user)["refused"] == count
        assert erase(service, user)["refused"] == 0
    left = [entry for entry, (_, user) in zip(ids, MESSAGES, strict=True) if user in ("bob", None)][::-1]
    for turn in range(2):
        assert listed(service) == left, turn
        assert service.get("/health").json["refused"]["listed"] == len(left)
        for entry in set(ids) - set(left):
            expect.problem(resend(service, f"/{entry}/resend"), 404)
        service.restart()
    assert resend(service, "/resend?limit=1000").json["resent"] == 0
    service.stop()


@pair.names_its_own
def test_what_is_sent_again_stays_erased(make_service):
    """Guards the way round: a message that went back into the log keeps its time of receipt, and so stays behind the erasure."""
    service, ids = refused_file.make(make_service, MESSAGES[0][0])
    service.start()
    assert resend(service, f"/{ids[0]}/resend").status == 200
    service.wait_stored("m-0")
    document = erase(service, "ann")
    assert (document["erased"], document["refused"]) == (1, 0)
    service.restart()
    service.wait_settled()
    assert service.walk() == [] and listed(service) == []
    service.stop()


# --- all about one user ---


def export(service, user, by_query=False):
    """What the lines say, by their type; the last one is told apart."""
    encoded = urllib.parse.quote(user, safe="")
    answer = service.get(f"{USERS}/export?userId={encoded}" if by_query else f"{USERS}/{encoded}/export")
    assert answer.status == 200 and answer.header("content-type") == "application/x-ndjson", answer
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert all(list(line) == ["type", "data"] for line in lines[:-1])
    types = [line["type"] for line in lines]
    activities = [line["data"] for line in lines if line["type"] == "activity"]
    refused = [line["data"] for line in lines if line["type"] == "refused"]
    assert types == ["activity"] * len(activities) + ["refused"] * len(refused) + ["end"]
    assert lines[-1] == {"type": "end", "userId": user, "activities": len(activities), "refused": len(refused)}
    return activities, refused


@pair.names_its_own
def test_all_about_one_user(make_service):
    """Guards access: the activities as an export has them and the entries as the refused list shows them, of this user and of nobody
    else, over many pages of both; what is shown is what an erasure then takes."""
    raws = [raw for raw, _ in MESSAGES] + [json.dumps({"userId": "ann", "n": n, "text": "x" * (n % 7 * 500)}).encode() for n in range(2500)]
    service, ids = refused_file.make(make_service, *raws)
    service.start()
    for first in range(0, 6000, 2000):
        service.record([{"userId": "ann" if n % 3 else "bob", "action": "a", "id": f"x-{n:05}", "metadata": {"n": n}}
                        for n in range(first, first + 2000)])
    service.wait_count(6000)
    listed_entries = entries(service)
    anns = [ids[number] for number, (_, user) in enumerate(MESSAGES) if user == "ann"] + ids[len(MESSAGES):]
    for by_query in (False, True):
        activities, refused = export(service, "ann", by_query)
        assert activities == service.walk("&userId=ann&order=asc") and len(activities) == 4000
        assert refused == [entry for entry in listed_entries if entry["id"] in set(anns)] and len(refused) == len(anns)
    activities, refused = export(service, "bob")
    assert len(activities) == 2000 and [entry["id"] for entry in refused] == [ids[2]]
    assert [entry["id"] for entry in export(service, "101")[1]] == [ids[5]]
    document = erase(service, "ann")
    assert (document["erased"], document["refused"]) == (4000, len(anns))
    for _ in range(2):
        assert export(service, "ann") == ([], [])
        assert len(export(service, "bob")[0]) == 2000
        service.restart()
    service.stop()


@pytest.mark.parametrize("user", ["export-a/b", "export", "activities", "ü ✓", "+1 555", "../..", '"q"\\', "x" * 256])
def test_any_user_can_be_asked_for(shared, user):
    """Guards the spelling of users: whoever can be posted can be asked for, in the path or the query."""
    shared.record({"userId": user, "action": "access", "id": f"access-{len(user)}-{ord(user[0])}-{ord(user[-1])}"})
    shared.wait_count(1, "&userId=" + urllib.parse.quote(user, safe=""))
    found = export(shared, user)
    assert [row["userId"] for row in found[0]] == [user] and found == export(shared, user, True)


def test_a_user_of_whom_nothing_is_known(shared):
    """Guards that nothing is an answer, too."""
    for by_query in (False, True):
        assert export(shared, "access-nobody", by_query) == ([], [])


def test_its_head(shared):
    answer = shared.request("HEAD", f"{USERS}/access-nobody/export")
    assert answer.status == 200 and answer.body == b""
    assert answer.header("content-disposition") == 'attachment; filename="user.ndjson"'
    assert answer.header("cache-control") == "no-store"
    for method in ("POST", "DELETE"):
        expect.problem(shared.request(method, f"{USERS}/a/export", b"" if method == "POST" else None), 405)


@pytest.mark.parametrize("target, status", [
    ("export", 400), ("export?userId=", 400), ("export?userId=a&userId=b", 400), ("export?userId=a&format=csv", 400),
    ("export?userId=a&order=desc", 400), ("export?userid=a", 400), ("export?userId[$ne]=a", 400), ("a/export?userId=b", 400),
    ("a/export?format=", 400), ("a/export?action=b", 400), ("a/export?after=x", 400), ("%ff/export", 404), ("/export", 404),
    ("a/b/export", 404), ("undefined/export", 404), ("%5Bobject%20Object%5D/export", 404), ("export?userId=null", 404),
    ("export?userId=%01", 404)])
def test_wrong_questions(shared, target, status):
    """Guards that a misspelt question is refused, instead of being answered with less, more or somebody else."""
    expect.problem(shared.get(f"{USERS}/{target}"), status)


def test_its_format_may_be_said(shared):
    assert shared.get(f"{USERS}/access-nobody/export?format=ndjson").status == 200


@pair.names_its_own
def test_much_that_was_refused_is_not_held_at_once(make_service):
    """Guards bounded memory: 32 MiB of refused messages pass a client that takes all of it and others who take nothing, a page
    each; a client that leaves takes its answer with it."""
    raws = [json.dumps({"userId": "ann", "n": n, "text": "x" * (32 << 10)}).encode() for n in range(1024)]
    service, _ = refused_file.make(make_service, *raws)
    service.start()
    before, sockets = service.peak_bytes(), service.count_sockets()
    idle = [service.connect() for _ in range(8)]
    for connection in idle:
        connection.send(connection.head("GET", f"{USERS}/ann/export"))
        assert connection._read_head().status == 200
    with service.connect() as connection:
        connection.send(connection.head("GET", f"{USERS}/ann/export"))
        assert connection._read_head().status == 200
        received = sum(chunk.count(b'"type":"refused"') for chunk in connection.chunks())
    assert received == len(raws)
    grown = service.peak_bytes() - before
    assert services.SANITIZED or grown < 2 * (32 << 20), grown  # of nine times as much; sanitizers keep what is freed
    for connection in idle:
        connection.close()
    wire.wait_until(lambda: service.count_sockets() <= sockets, "those that left are gone", 30 * services.PATIENCE)
    service.stop()


@pair.names_its_own
def test_a_message_larger_than_what_may_wait_for_a_client(make_service):
    """Guards the largest entry: a message of a megabyte that is six times as long in JSON comes whole, and what follows it."""
    raw = b'{"userId":"ann","text":"' + b"\x01" * 1_000_000 + b'"'
    service, _ = refused_file.make(make_service, raw, b'{"userId":"ann"}')
    service.start()
    entries = [json.loads(line) for line in service.get(f"{USERS}/ann/export").body.splitlines()]
    assert [entry["type"] for entry in entries] == ["refused", "refused", "end"] and entries[-1]["refused"] == 2
    assert [entry["data"]["raw"].encode() for entry in entries[:2]] == [b'{"userId":"ann"}', raw]
    service.stop()


@pair.names_its_own
@pytest.mark.parametrize("place, begins", [(0.0, False), (0.5, True)], ids=["in the first page", "later"])
def test_what_cannot_be_read_ends_it(make_service, place, begins):
    """Guards against half an answer that looks like a whole one: what fails first is a problem, what fails later an end that is
    none, without the line that counts."""
    service = make_service().start()
    for first in range(0, 12000, 2000):
        service.record([{"userId": "ann", "action": "a", "metadata": {"text": "x" * 100, "n": n}} for n in range(first, first + 2000)])
    service.wait_count(12000)
    service.stop()
    part, = (service.data / "store").glob("*.part")
    content = bytearray(part.read_bytes())
    content[100 + int(place * len(content))] ^= 4
    part.write_bytes(content)
    service.start()
    with service.connect() as connection:
        connection.send(connection.head("GET", f"{USERS}/ann/export", [("Connection", "close")]))
        answer = connection.read_to_end()
    assert answer.startswith(b"HTTP/1.1 200 " if begins else b"HTTP/1.1 5"), answer[:100]
    assert (b'"type":"activity"' in answer) == begins and b'"type":"end"' not in answer
    assert not begins or not answer.endswith(b"\r\n0\r\n\r\n")
    assert service.get("/livez").status == 200
    service.stop()
