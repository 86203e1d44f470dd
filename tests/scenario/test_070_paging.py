"""Pages and cursors: every activity once, in order, whatever happens meanwhile; judged by a sorted list."""

import base64
import datetime
import itertools
import threading
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expect
import pair

LIST = "/api/v1/activities"


def key_of(row):
    return row["timestamp"], row["id"].encode()


class Oracle:
    """What a list of activities, filtered and sorted in plain Python, answers."""

    def __init__(self, activities):
        self.activities = activities

    def find(self, users=(), actions=(), begin=None, end=None, ascending=False):
        rows = [row for row in self.activities
                if (not users or row["userId"] in users) and (not actions or row["action"] in actions)
                and (begin is None or row["timestamp"] >= begin) and (end is None or row["timestamp"] < end)]
        return sorted(rows, key=key_of, reverse=not ascending)


def query_of(users=(), actions=(), begin=None, end=None, ascending=False):
    pairs = [("userId", user) for user in users] + [("action", action) for action in actions]
    pairs += [("from", begin)] * (begin is not None) + [("to", end)] * (end is not None) + [("order", "asc")] * ascending
    return "".join(f"&{name}={urllib.parse.quote(value, safe='')}" for name, value in pairs)


def walk_by_number(service, query, limit):
    rows, number = [], 1
    while True:
        found = expect.page(service.get(f"{LIST}?limit={limit}&page={number}{query}"), number)
        if not found:
            return rows
        rows += found
        number += 1


# Few different times and names, so that equal ones are the rule.
TIMES = st.integers(0, 12).map(lambda ms: f"2024-01-15T10:00:00.{ms:03}Z")
USERS = st.sampled_from(["u1", "u2", "u10", "U1", "\u00fc"])
ACTIONS = st.sampled_from(["a", "b", "ab"])
IDS = st.text("abzAZ09._:-", min_size=1, max_size=6).filter(lambda text: text not in ("stream", "export"))
ACTIVITIES = st.lists(st.fixed_dictionaries({"id": IDS, "userId": USERS, "action": ACTIONS, "timestamp": TIMES}),
                      min_size=1, max_size=60, unique_by=lambda activity: activity["id"])
EXAMPLES = itertools.count()
QUESTIONS = st.fixed_dictionaries({"users": st.lists(USERS, max_size=2, unique=True),
                                   "actions": st.lists(ACTIONS, max_size=2, unique=True),
                                   "begin": st.none() | TIMES, "end": st.none() | TIMES, "ascending": st.booleans()})


@settings(max_examples=pair.some(100))
@given(ACTIVITIES, st.lists(st.tuples(QUESTIONS, st.integers(1, 9)), min_size=5, max_size=5))
def test_every_question_against_a_sorted_list(shared, activities, questions):
    """Guards filters, order, pages and cursors together: each answer is what a sorted list gives (500 random questions)."""
    mark = f"{next(EXAMPLES)}-"
    rows = [{**activity, "id": mark + activity["id"], "userId": mark + activity["userId"], "metadata": {}}
            for activity in activities]
    answer = shared.post([{name: row[name] for name in ("id", "userId", "action", "timestamp")} for row in rows])
    assert answer.status == 202, answer
    shared.wait_settled()
    oracle = Oracle(rows)
    everybody = sorted({row["userId"] for row in rows})
    for question, limit in questions:
        # The service holds the rows of earlier examples, too; the users tell them apart.
        question = {**question, "users": [mark + user for user in question["users"]] or everybody}
        wanted = oracle.find(**question)
        query = query_of(**question)
        assert shared.walk(query, limit) == wanted
        assert walk_by_number(shared, query, limit) == wanted
        assert [len(page["data"]) for page in shared.pages(query, limit)][:-1] == [limit] * ((max(len(wanted), 1) - 1) // limit)


def test_the_oracle_can_fail():
    """Guards the judge: a wrong order, a row too many and a row too few are not equal to what it says."""
    rows = [{"id": f"{i}", "userId": "u", "action": "a", "timestamp": "2024-01-15T10:00:00.000Z"} for i in range(3)]
    oracle = Oracle(rows)
    assert [row["id"] for row in oracle.find()] == ["2", "1", "0"]
    assert oracle.find() != rows and oracle.find(ascending=True) == rows
    assert oracle.find(end="2024-01-15T10:00:00.000Z") == [] and oracle.find(begin="2024-01-15T10:00:00.000Z") != []
    assert oracle.find(users=["v"]) == []


def record_many(service, user, count, **members):
    """Activities with equal timestamps in groups of ten; returns their ids, oldest first."""
    start = datetime.datetime(2024, 1, 15, 10)
    sent = [{"userId": user, "action": "a", "id": f"{user}-{i:04}", **members,
             "timestamp": (start + datetime.timedelta(seconds=i // 10)).strftime("%Y-%m-%dT%H:%M:%SZ")} for i in range(count)]
    assert service.post(sent).status == 202
    service.wait_stored(sent[-1]["id"])
    return [activity["id"] for activity in sent]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 10, 100, 1000])
def test_a_walk_over_equal_timestamps(shared, order, limit):
    """Guards the border between two pages that falls between equal timestamps: nothing twice, nothing left out."""
    user = f"walk-{order}-{limit}"
    ids = record_many(shared, user, 100)
    wanted = ids if order == "asc" else ids[::-1]
    query = f"&userId={user}&order={order}"
    assert [row["id"] for row in shared.walk(query, limit)] == wanted
    assert [row["id"] for row in walk_by_number(shared, query, limit)] == wanted


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_walk_while_others_post(shared, order):
    """Guards cursors against what arrives meanwhile, before, behind and at the place they stand at: every activity that was
    there at the start is seen once, in order, and none twice."""
    user = f"meanwhile-{order}"
    ids = record_many(shared, user, 400)
    done = threading.Event()
    failures = []

    def post_on():
        try:
            with shared.connect() as connection:
                number = 0
                while not done.is_set():
                    timestamp = f"2024-01-15T10:00:{number * 7 % 60:02}Z"
                    answer = connection.post(LIST, {"userId": user, "action": "b", "timestamp": timestamp,
                                                    "id": f"{user}-{number % 400:04}.{number}"})
                    assert answer.status == 202, answer
                    number += 1
                    time.sleep(pair.PAUSE_SECONDS)
        except Exception as problem:  # told by the test's own thread
            failures.append(problem)

    poster = threading.Thread(target=post_on)
    poster.start()
    try:
        for _ in range(3):
            rows = shared.walk(f"&userId={user}&order={order}", 7)
            assert sorted(rows, key=key_of, reverse=order == "desc") == rows
            seen = [row["id"] for row in rows]
            assert len(set(seen)) == len(seen)
            assert [activity_id for activity_id in seen if activity_id in set(ids)] == (ids if order == "asc" else ids[::-1])
    finally:
        done.set()
        poster.join(20)
    assert not failures, failures[0]


@pytest.fixture(scope="module")
def cursor(shared):
    record_many(shared, "cursor", 20)
    return shared.get(f"{LIST}?userId=cursor&limit=5").json["nextCursor"]


def test_a_cursor_goes_with_its_filter(shared, cursor):
    """Guards against a cursor of one question leading into the answer of another."""
    assert shared.get(f"{LIST}?userId=cursor&limit=9&cursor={cursor}").status == 200
    assert shared.get(f"/logs?limit=5&userId=cursor&order=desc&cursor={cursor}").status == 200
    for other in ("", "&userId=other", "&userId=cursor&userId=other", "&userId=cursor&action=a", "&userId=cursor&order=asc",
                  "&userId=cursor&from=1971-01-01T00:00:00Z", "&userId=cursor&to=2025-01-01T00:00:00Z"):
        expect.problem(shared.get(f"{LIST}?cursor={cursor}{other}"), 400, detail="cursor")


def test_page_and_cursor_exclude_each_other(shared, cursor):
    """Guards against a question that says two different places to go on at."""
    expect.problem(shared.get(f"{LIST}?userId=cursor&cursor={cursor}&page=2"), 400, detail="cursor")
    expect.problem(shared.get(f"{LIST}?userId=cursor&page=1&cursor={cursor}"), 400, detail="cursor")
    expect.problem(shared.get(f"{LIST}?userId=cursor&cursor={cursor}&cursor={cursor}"), 400, detail="cursor")


def test_no_changed_cursor_is_taken(shared, cursor):
    """Guards the checksum: a cursor with any bit flipped, cut at any place or lengthened is refused, never followed."""
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    changed = [cursor[:length] for length in range(len(cursor))] + [cursor + "A", cursor + "=", "A" + cursor, cursor + cursor,
                                                                    cursor.swapcase(), cursor[::-1]]
    for bit in range(len(raw) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        changed.append(base64.urlsafe_b64encode(raw).decode().rstrip("="))
        raw[bit // 8] ^= 1 << bit % 8
    for text in changed:
        expect.problem(shared.get(f"{LIST}?userId=cursor&cursor={text}"), 400, detail="cursor")


@pair.needs_kept("stop")
def test_a_cursor_outlives_the_process(fresh):
    """Guards clients that go on after a restart: cursors carry all they need."""
    ids = record_many(fresh, "outlives", 20)
    cursor = fresh.get(f"{LIST}?userId=outlives&limit=5").json["nextCursor"]
    fresh.restart()
    rows = fresh.get(f"{LIST}?userId=outlives&limit=100&cursor={cursor}").json["data"]
    assert [row["id"] for row in rows] == ids[14::-1]


def test_the_pages_of_equal_content_do_not_differ(shared):
    """Guards the shape of each page of a walk by cursor: results, data and nextCursor belong together."""
    record_many(shared, "shape", 10)
    first = shared.get(f"{LIST}?userId=shape&limit=5")
    expect.page(first)
    second = shared.get(f"{LIST}?userId=shape&limit=5&cursor={first.json['nextCursor']}")
    assert second.json["results"] == 5 and second.json["nextCursor"] is None and second.header("link") is None
