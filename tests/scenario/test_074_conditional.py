"""Conditional GET: who has an answer already is told just that, and gets every change."""

import pytest

import expect
import wire

LIST = "/api/v1/activities"
TARGETS = [f"{LIST}?userId=ann&limit=2&count=true", f"{LIST}/e-0", "/api/v1/stats?by=user", "/api/v1/users/ann", "/api/v1/users/ann/activities",
           "/api/v1/refused"]


@pytest.fixture(scope="module")
def filled(shared):
    shared.record([{"userId": "ann", "action": "a", "id": f"e-{number}", "timestamp": f"2024-01-15T10:00:0{number}Z"}
                   for number in range(5)])
    shared.wait_count(5)
    return shared


def unless(service, target, tags, method="GET"):
    return service.request(method, target, headers=[("If-None-Match", tags)])


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_is_not_sent_again(filled, target):
    """Guards 304 with its fields for GET and HEAD, lists of tags, weak ones and "*", and that other tags get the answer."""
    answer = filled.get(target)
    tag = answer.header("etag")
    assert answer.status == 200 and tag.startswith('"') and answer.header("cache-control") == "private, no-cache"
    assert filled.request("HEAD", target).header("etag") == tag
    for tags in (tag, f"W/{tag}", f'"x", {tag}', f'W/"x",{tag} , "y"', "*"):
        for method in ("GET", "HEAD"):
            known = unless(filled, target, tags, method)
            assert known.status == 304 and known.body == b"" and known.header("etag") == tag, (tags, known)
            assert known.header("cache-control") == "private, no-cache" and known.header("content-type") is None
    for tags in ('"x"', tag[:-1], tag.strip('"'), f'"x{tag[1:]}', "", '"', "W/", f'"{tag}"'):
        again = unless(filled, target, tags)
        assert again.status == 200 and again.body == answer.body, (tags, again)


def test_every_change_is_sent(fresh):
    """Guards against an answer that stays: the tag changes with each activity, and comes back with what it stood for."""
    seen = set()
    for number in range(5):
        receipt = fresh.record({"userId": "u", "action": "a", "id": f"c-{number}"})["receipt"]
        tags = ", ".join(seen) or '"none"'
        fresh.read_own(LIST, receipt)
        answer = unless(fresh, f"{LIST}?userId=u&after={receipt}", tags)
        assert answer.status == 200 and answer.json["results"] == number + 1
        assert answer.header("etag") not in seen
        seen.add(answer.header("etag"))
    before = fresh.get(f"{LIST}?userId=u").header("etag")
    fresh.record({"userId": "other", "action": "a"})
    wire.wait_until(lambda: fresh.get("/api/v1/users/other").status == 200, "the other user")
    assert unless(fresh, f"{LIST}?userId=u", before).status == 304
    assert fresh.request("DELETE", "/api/v1/users/u").status == 200
    assert unless(fresh, f"{LIST}?userId=u", before).json["data"] == []


def test_the_same_answer_has_the_same_tag_after_a_restart(make_service):
    """Guards clients of several servers, and of one that was started again."""
    service = make_service().start()
    receipt = service.record({"userId": "u", "action": "a", "id": "r", "timestamp": "2024-01-15T10:00:00Z"})["receipt"]
    tag = service.read_own(LIST, receipt).header("etag")
    other = make_service().start()
    receipt = other.record({"userId": "u", "action": "a", "id": "r", "timestamp": "2024-01-15T10:00:00Z"})["receipt"]
    assert tag is not None and other.read_own(LIST, receipt).header("etag") == tag
    service.stop()
    other.stop()


def test_what_is_no_answer_has_no_tag(filled):
    """Guards problems against 304: nothing that went wrong is known already."""
    for target, status in ((f"{LIST}?limit=0", 400), (f"{LIST}/nothing", 404), ("/api/v1/users/nobody", 404), ("/nowhere", 404)):
        answer = unless(filled, target, "*")
        assert expect.problem(answer, status) and answer.header("etag") is None


def test_no_condition_keeps_an_activity_out(filled):
    """Guards POST: a field that is for reading changes nothing of it."""
    answer = filled.post({"userId": "posted", "action": "a"}, headers=[("If-None-Match", "*")])
    assert answer.status == 202
