"""count=true: how many activities match in all, beside a page of them."""

import pytest

import expect

LIST = "/api/v1/activities"
USERS = ("ann", "bob", "carol")


@pytest.fixture(scope="module")
def filled(shared):
    shared.record([{"userId": USERS[number % 3], "action": f"a{number % 5}", "id": f"n-{number:03}", "metadata": {"odd": number % 2},
                    "timestamp": f"2024-01-15T{number // 60:02}:{number % 60:02}:00Z"} for number in range(90)])
    shared.wait_count(90)
    return shared


@pytest.mark.parametrize("query, count", [
    ("", 90), ("userId=ann", 30), ("userId=ann&userId=bob", 60), ("action=a0", 18), ("userId=nobody", 0),
    ("from=2024-01-15T00:10:00Z", 80), ("from=2024-01-15T00:10:00Z&to=2024-01-15T00:20:00Z", 10),
    ("userId=ann&metadata.odd=1", 15), ("action=a0&action=a1&metadata.odd=0", 18),
])
def test_all_matches_are_counted(filled, query, count):
    """Guards the number against being that of the page: it is the same on every page, however one gets there."""
    for paging in ("limit=1", "limit=7&page=2", "limit=1000", "order=asc&limit=4"):
        answer = filled.get(f"{LIST}?count=true&{paging}&{query}")
        expect.page(answer, 2 if "page" in paging else 1)
        assert list(answer.json) == ["status", "results", "page", "data", "nextCursor", "count"]
        assert answer.json["count"] == count
        while answer.header("link"):
            answer = filled.get(answer.header("link").split(">")[0].lstrip("<"))
            assert answer.json["count"] == count


def test_it_is_there_only_when_asked(filled):
    """Guards what others pay: counting is for those who ask for it, and HEAD answers as GET would."""
    for query, has_count in (("count=true", True), ("count=false", False), ("", False)):
        answer = filled.get(f"{LIST}?{query}")
        assert ("count" in answer.json) == has_count
        assert filled.request("HEAD", f"{LIST}?{query}").header("content-length") == str(len(answer.body))


@pytest.mark.parametrize("query", ["count", "count=", "count=1", "count=TRUE", "count=yes", "count=true&count=true", "count[$gt]=1"])
def test_refused_by_name(filled, query):
    """Guards against taking anything else for true."""
    assert "count" in expect.problem(filled.get(f"{LIST}?{query}"), 400, detail="count")["detail"]
