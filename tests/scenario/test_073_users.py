"""One user: in short, and one by one, against what Python makes of the same activities."""

import collections
import datetime
import itertools
import random
import urllib.parse

import pytest

import expect
import pair

USERS = "/api/v1/users"
ODD = "odd/user é+%?#"
GAP = datetime.timedelta(minutes=30)
NAMES = ["ann", "bob", ODD, "activities"]


def activities(chance, user, count):
    """Bursts, with pauses around half an hour between them, and some at the very same time."""
    time = datetime.datetime(2024, 3, 10, tzinfo=datetime.UTC)
    made = []
    for number in range(count):
        time += chance.choice([datetime.timedelta(0), datetime.timedelta(milliseconds=7), datetime.timedelta(minutes=11),
                               GAP - datetime.timedelta(milliseconds=1), GAP, datetime.timedelta(days=chance.randrange(3))])
        made.append({"userId": user, "action": chance.choice(["login", "click", "view"]), "id": f"{NAMES.index(user)}-{number:04}",
                     "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z")})
    return made


@pytest.fixture(scope="module")
def filled(shared):
    chance = random.Random(73)
    shared.rows = {user: activities(chance, user, 300) for user in NAMES}
    mixed = list(itertools.chain.from_iterable(shared.rows.values()))
    chance.shuffle(mixed)  # nothing comes in the order of its time
    shared.record(mixed[:700])
    if pair.LOG_SURVIVES and pair.keeps_stored("stop"):
        shared.wait_count(700)
        shared.restart()
    shared.record(mixed[700:])
    shared.wait_count(len(mixed))
    return shared


def quoted(user):
    return urllib.parse.quote(user, safe="")


def time_of(row):
    return datetime.datetime.fromisoformat(row["timestamp"])


def sessions(rows):
    """The latest first."""
    found = []
    for row in sorted(rows, key=time_of, reverse=True):
        if not found or datetime.datetime.fromisoformat(found[-1]["begin"]) - time_of(row) >= GAP:
            found.append({"begin": None, "end": row["timestamp"], "activities": 0})
        found[-1]["begin"] = row["timestamp"]
        found[-1]["activities"] += 1
    return found


def actions(rows):
    counts = collections.Counter(row["action"] for row in rows)
    return [{"key": key, "count": count} for key, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


def targets(user):
    by_path = [f"{USERS}/{quoted(user)}?"] if user != "activities" else []
    return [*by_path, f"{USERS}?userId={quoted(user)}&"]


@pytest.mark.parametrize("user", NAMES)
def test_a_summary_is_what_the_activities_say(filled, user):
    """Guards every number of the summary, over parts and memory, and both ways to name a user."""
    rows = filled.rows[user]
    times = sorted(row["timestamp"] for row in rows)
    for target in targets(user):
        document = filled.get(f"{target}limit=1000").json
        assert document == {"status": "success", "userId": user, "firstSeen": times[0], "lastSeen": times[-1],
                            "activities": len(rows), "actions": actions(rows), "moreActions": False,
                            "sessions": {"count": len(sessions(rows)), "gapMinutes": 30, "data": sessions(rows), "nextCursor": None}}


def test_sessions_come_in_pages(filled):
    """Guards limit, cursor and Link: all sessions, each once, in their order, with the same sums on every page."""
    expected = sessions(filled.rows["ann"])
    for target in targets("ann"):
        answer = filled.get(f"{target}limit=7")
        found = answer.json["sessions"]["data"]
        while answer.header("link"):
            assert answer.json["sessions"]["count"] == len(expected)
            answer = filled.get(answer.header("link").split(">")[0].lstrip("<"))
            found += answer.json["sessions"]["data"]
        assert found == expected and answer.json["sessions"]["nextCursor"] is None
    assert len(filled.get(f"{USERS}/ann").json["sessions"]["data"]) == 10


def test_the_timeline_is_the_list_of_the_user(filled):
    """Guards both ways to a timeline: the same answer as the list, for the same parameters, over all pages."""
    for user in NAMES:
        for query in ("limit=100", "limit=50&order=asc&action=login&count=true", "limit=3&page=2",
                      "from=2024-03-12T00:00:00Z&to=2024-03-20T00:00:00Z&limit=1000"):
            expected = filled.get(f"/api/v1/activities?userId={quoted(user)}&{query}").json
            for target in (f"{USERS}/{quoted(user)}/activities?{query}", f"{USERS}/activities?userId={quoted(user)}&{query}"):
                answer = filled.get(target)
                assert answer.json == expected, target
                while answer.header("link"):
                    answer = filled.get(answer.header("link").split(">")[0].lstrip("<"))
                    assert all(row["userId"] == user for row in answer.json["data"])


def test_cursors_stay_with_their_user_and_question(filled):
    """Guards against pages of somebody else: a cursor of another user, or of a list, is refused, and so is every changed byte."""
    cursor = filled.get(f"{USERS}/ann?limit=1").json["sessions"]["nextCursor"]
    listed = filled.get(f"{USERS}/ann/activities?limit=1").json["nextCursor"]
    expect.problem(filled.get(f"{USERS}/bob?cursor={cursor}"), 400, detail="another user")
    expect.problem(filled.get(f"{USERS}/ann?cursor={listed}"), 400, detail="another")
    expect.problem(filled.get(f"{USERS}/ann/activities?cursor={cursor}"), 400, detail="another filter")
    expect.problem(filled.get(f"{USERS}/bob/activities?cursor={listed}"), 400, detail="another filter")
    assert filled.get(f"/api/v1/activities?userId=ann&limit=1&cursor={listed}").status == 200
    for at in range(len(cursor)):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1:]
        expect.problem(filled.get(f"{USERS}/ann?cursor={changed}"), 400, detail="cursor")


@pytest.mark.parametrize("target", [f"{USERS}/nobody", f"{USERS}?userId=nobody", f"{USERS}/%zz", f"{USERS}/%ff", f"{USERS}/a%00b",
                                    f"{USERS}/%", f"{USERS}/" + "x" * 2000, f"{USERS}/%zz/activities"])
def test_an_unknown_user_is_told(filled, target):
    """Guards 404 for whom nothing is known of, and for what no user can be called."""
    assert expect.problem(filled.get(target), 404)["type"] == "/problems/no-such-user"
    if "activities" not in target:
        assert filled.request("HEAD", target).status == 404


def test_a_timeline_of_nobody_is_empty(filled):
    """Guards the list against telling more than the list of all tells."""
    assert expect.page(filled.get(f"{USERS}/nobody/activities")) == []


@pytest.mark.parametrize("target, word", [
    (f"{USERS}/ann?userId=bob", "userId is not known"), (f"{USERS}/ann?userId[$ne]=x", "userId[$ne]"), (f"{USERS}?userId[$ne]=x", "userId[$ne]"),
    (f"{USERS}", "name one user"), (f"{USERS}?userId=", "name one user"), (f"{USERS}?userId=ann&userId=bob", "once"),
    (f"{USERS}/ann?limit=0", "limit"), (f"{USERS}/ann?limit=1001", "limit"), (f"{USERS}/ann?page=2", "page"), (f"{USERS}/ann?$where=1", "$where"),
    (f"{USERS}/ann/activities?userId=bob", "userId is not known"), (f"{USERS}/activities", "name one user"),
    (f"{USERS}/activities?userId=ann&userId=bob", "name one user"), (f"{USERS}/ann/activities?metadata.$where=1", "$where"),
    (f"{USERS}/ann/activities?limit=1001", "limit"),
])
def test_refused_by_name(filled, target, word):
    """Guards against answers about somebody else than was meant."""
    assert word in expect.problem(filled.get(target), 400)["detail"]


def test_other_paths_and_methods(filled):
    """Guards what is no path, and that nobody is erased by a path of a list."""
    for target in (f"{USERS}/ann/sessions", f"{USERS}/a/b/activities", f"{USERS}//activities", f"{USERS}/ann/activities/x"):
        expect.problem(filled.get(target), 404)
    for method, target, allow in (("POST", f"{USERS}/ann", "GET, HEAD, DELETE, OPTIONS"), ("DELETE", f"{USERS}/ann/activities", "GET, HEAD, OPTIONS"),
                                  ("DELETE", f"{USERS}/activities", "GET, HEAD, OPTIONS")):
        answer = filled.request(method, target)
        assert answer.status == 405 and answer.header("allow") == allow
        filled.forget_connection()


def test_what_is_erased_is_nobodys(fresh):
    """Guards erased users: no summary, and afterwards one of what came behind the erasure only."""
    receipt = fresh.record([{"userId": "gone", "action": f"a{number}", "id": f"g{number}"} for number in range(150)])["receipt"]
    document = fresh.read_own(f"{USERS}/gone", receipt).json
    assert document["activities"] == 150 and len(document["actions"]) == 100 and document["moreActions"]
    assert fresh.request("DELETE", f"{USERS}/gone").status == 200
    expect.problem(fresh.get(f"{USERS}/gone"), 404)
    receipt = fresh.record({"userId": "gone", "action": "again"})["receipt"]
    document = fresh.read_own(f"{USERS}/gone", receipt).json
    assert document["activities"] == 1 and document["actions"] == [{"key": "again", "count": 1}]
