"""The refused list, as far as a log shows it that refuses nothing: its questions, its answers, its place on the disk."""

import pytest

import expect
from refusals import REFUSED, resend

EMPTY = {"status": "success", "results": 0, "data": [], "nextCursor": None}


def test_nothing_was_refused(fresh):
    """Guards the shape of the answer, also behind a restart, and that activities are none of its business."""
    fresh.wait_stored(fresh.record({"userId": "a", "action": "b"})["id"])
    for target in (REFUSED, f"{REFUSED}/", f"{REFUSED}?limit=1000"):
        answer = fresh.get(target)
        assert answer.status == 200 and answer.header("content-type") == "application/json"
        assert answer.json == EMPTY and answer.header("link") is None
    fresh.restart()
    assert fresh.get(REFUSED).json == EMPTY


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "page=1", "userId=a", "cursor=",
                                   "cursor=AAAA", "metadata.a=1", "order=asc"])
def test_wrong_questions(shared, query):
    """Guards that a misspelt question is refused by name."""
    problem = expect.problem(shared.get(f"{REFUSED}?{query}"), 400)
    assert query.split("=")[0] in problem["detail"] or "cursor" in problem["detail"]


def test_a_cursor_of_activities_is_no_cursor_here(fresh):
    """Guards that cursors of one list are not taken for those of another."""
    for _ in range(2):
        last = fresh.record({"userId": "a", "action": "b"})["id"]
    fresh.wait_stored(last)
    cursor = fresh.get("/api/v1/activities?limit=1").json["nextCursor"]
    expect.problem(fresh.get(f"{REFUSED}?cursor={cursor}"), 400)


def test_what_is_not_there_is_not_sent(shared):
    """Guards that an entry that is not there can neither be read nor sent again, and that sending an empty list is no fault."""
    expect.problem(resend(shared, "/x/resend"), 404)
    expect.problem(shared.get(f"{REFUSED}/x"), 404)
    answer = resend(shared)
    assert answer.status == 200
    assert answer.json == {"status": "success", "resent": 0, "kept": [], "listed": 0, "nextCursor": None}
