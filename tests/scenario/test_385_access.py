"""All that is known of one user: what was refused goes with an erasure, and one answer has everything until then."""

import json

import expect
import pair
import refused_file

REFUSED = "/api/v1/refused"
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


def make(make_service, *raws):
    """A service with a list of these messages, oldest first, and their ids."""
    service = make_service()
    service.data.mkdir(parents=True)
    return service, refused_file.write(service.data / "refused", raws)


def listed(service):
    return [entry["id"] for entry in service.get(f"{REFUSED}?limit=1000").json["data"]][::-1]


def erase(service, user):
    answer = service.request("DELETE", f"{USERS}/{user}")
    assert answer.status == 200, answer
    return answer.json


@pair.names_its_own
def test_what_was_refused_goes_with_its_user(make_service):
    """Guards that an erased user's refused messages are in no answer, at once and behind a restart, and cannot be sent again, and
    that nobody else's go."""
    service, ids = make(make_service, *(raw for raw, _ in MESSAGES))
    service.start()
    assert listed(service) == ids
    for user, count in (("ann", 4), ("101", 1), ("nobody", 0)):
        assert erase(service, user)["refused"] == count
        assert erase(service, user)["refused"] == 0
    left = [entry for entry, (_, user) in zip(ids, MESSAGES, strict=True) if user in ("bob", None)]
    for turn in range(2):
        assert listed(service) == left, turn
        assert service.get("/health").json["refused"]["listed"] == len(left)
        for entry in set(ids) - set(left):
            expect.problem(service.request("POST", f"{REFUSED}/{entry}/resend", b""), 404)
        service.restart()
    assert service.request("POST", f"{REFUSED}/resend?limit=1000", b"").json["resent"] == 0
    service.stop()


@pair.names_its_own
def test_what_is_sent_again_stays_erased(make_service):
    """Guards the way round: a message that went back into the log keeps its time of receipt, and so stays behind the erasure."""
    service, ids = make(make_service, MESSAGES[0][0])
    service.start()
    assert service.request("POST", f"{REFUSED}/{ids[0]}/resend", b"").status == 200
    service.wait_stored("m-0")
    document = erase(service, "ann")
    assert (document["erased"], document["refused"]) == (1, 0)
    service.restart()
    service.wait_settled()
    assert service.walk() == [] and listed(service) == []
    service.stop()
