"""The requests that newcomers and clients of earlier services type, as they type them."""

import pytest

import expect
import pair
import service as services

ALIASES = ("/api/v1/activities", "/api/v1/logs", "/api/logs", "/logs", "/api/activities")


def test_a_posted_activity_is_read_back(fresh):
    """Guards the main job: what was acknowledged is found again, by user and by id, with everything that was sent."""
    answer = fresh.post({"userId": "101", "action": "login_attempt", "metadata": {"ip": "192.168.1.1"}}, target="/api/logs")
    activity_id = expect.accepted_one(answer)
    assert expect.UUID7.fullmatch(activity_id)
    row = fresh.wait_stored(activity_id)
    assert row == {**row, "id": activity_id, "userId": "101", "action": "login_attempt", "metadata": {"ip": "192.168.1.1"}}
    assert expect.page(fresh.get("/logs?userId=101")) == [row]


def test_the_page_of_one_user(fresh):
    """Guards the classic question: page, limit and userId on the shortest path."""
    fresh.record({"userId": "somebody_else", "action": "click_button"})
    activity_id = expect.accepted_one(fresh.post(
        {"userId": "user_123", "action": "click_button", "timestamp": "2024-01-15T10:00:00Z"}, target="/logs"))
    fresh.wait_stored(activity_id)
    answer = fresh.get("/logs?page=1&limit=5&userId=user_123")
    assert expect.page(answer) == [{"id": activity_id, "userId": "user_123", "action": "click_button",
                                    "timestamp": "2024-01-15T10:00:00.000Z", "metadata": {}}]
    assert answer.text.startswith('{"status":"success","results":1,"page":1,"data":[{"id":"')


def test_the_versioned_path(fresh):
    """Guards the path with a version that earlier clients use, with a user id that needs no encoding."""
    body = {"userId": "user-123", "action": "CLICK_BUTTON", "metadata": {"page": "home", "browser": "chrome"}}
    fresh.wait_stored(expect.accepted_one(fresh.post(body, target="/api/v1/logs")))
    rows = expect.page(fresh.get("/api/v1/logs?userId=user-123"))
    assert [(row["userId"], row["action"], row["metadata"]) for row in rows] == [tuple(body.values())]


def test_the_plain_collection(fresh):
    """Guards POST and GET of /api/activities without any parameter."""
    fresh.wait_stored(expect.accepted_one(fresh.post({"userId": "a", "action": "b"}, target="/api/activities")))
    assert len(expect.page(fresh.get("/api/activities"))) == 1


def test_health_tells_the_state(fresh):
    """Guards the page that operators look at first: it counts what came in and what is stored."""
    fresh.wait_stored(fresh.record({"userId": "a", "action": "b"})["id"])
    fresh.wait_settled()
    fresh.post({"userId": "a"})
    answer = fresh.get("/health")
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    health = answer.json
    assert health["status"] == "ok"
    assert health["eventLog"]["kind"] == pair.LOG and health["eventLog"]["durability"] == pair.DURABILITY
    assert health["store"]["kind"] == pair.STORE and health["store"]["activities"] == 1
    assert health["requests"] == {"received": 2, "accepted": 1, "rejected": 1}
    assert health["worker"]["stored"] == 1 and health["worker"]["pending"] == 0
    assert health["worker"]["refused"] == 0
    assert health["refused"] == {"listed": 0, "bytes": 0, "dropped": 0}


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/health"])
def test_probes(shared, probe):
    """Guards the probes that balancers and orchestrators ask."""
    assert shared.get(probe).status == 200
    assert shared.get(f"{probe}?nonsense=1").status == 400


def test_ready_in_detail(shared):
    """Guards the details that the ready probe gives when asked for them."""
    assert shared.get("/readyz?verbose").json["eventLog"]["durability"] == pair.DURABILITY


@pytest.mark.parametrize("path", ALIASES)
def test_aliases_are_the_very_same(shared, path):
    """Guards every alias: recorded through any of them, found the same through all of them."""
    user = "alias" + path.replace("/", "-")
    activity_id = expect.accepted_one(shared.post({"userId": user, "action": "a", "metadata": {"n": 1}}, target=path))
    row = shared.wait_stored(activity_id)
    for other in ALIASES:
        assert expect.page(shared.get(f"{other}?userId={user}")) == [row]
        assert shared.get(f"{other}/{activity_id}").json == row
        expect.problem(shared.get(f"{other}/no-such-id"), 404)
        expect.problem(shared.post({"userId": user}, target=other), 400, "/action")
        assert shared.request("PUT", other).header("allow") == shared.request("PUT", path).header("allow")


@pytest.mark.parametrize("path", ["/dashboard", "/nothing", "/api", "/api/v1", "/api/v1/activities2", "/LOGS", "//logs", "/logs/a/b",
                                  "/livez/x", "/api/v1/activities/../logs"])
def test_other_paths_are_not_there(shared, path):
    """Guards the border of the routes: nothing that only looks like one is answered."""
    expect.problem(shared.get(path), 404)


SAMPLE_ROWS = {
    "userId=user-101&limit=3": ["08:06:00.125Z logout", "08:04:55.640Z checkout", "08:02:11.307Z add_to_cart"],
    "action=view_page&from=2026-01-14T08:02:00Z&order=asc": ["08:02:11.307Z view_page", "08:05:00.000Z view_page"],
}


def test_the_sample_of_the_readme(fresh):
    """Guards the sample of the README: it is accepted whole, and two questions are answered by the rows of it that fit."""
    sample = (services.ROOT / "docs" / "sample-activities.json").read_bytes()
    document = fresh.post(sample).json
    assert document["rejected"] == 0 and document["accepted"] > 5
    fresh.wait_settled()
    for query, rows in SAMPLE_ROWS.items():
        found = fresh.get(f"/api/v1/activities?{query}").json
        assert [f"{row['timestamp'].split('T')[1]} {row['action']}" for row in found["data"]] == rows
        assert (found["nextCursor"] is not None) == ("limit" in query)
