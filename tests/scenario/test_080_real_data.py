"""Activities that nobody on this project wrote: every published figure about them is found again over GET.

The folder is ../shared/data beside the repository, or what USERTRAIL_TEST_DATA names.
"""

import collections
import datetime
import hashlib
import itertools
import json
import os
import re
import urllib.parse
from pathlib import Path

import pytest

import expect
import pair
import service as services

LIST = "/api/v1/activities"
FOLDER = Path(os.environ.get("USERTRAIL_TEST_DATA", services.ROOT.parent / "shared" / "data"))
FILES = ("cloudtrail.ndjson", "wiki-edits.ndjson")
PIPELINED = 40

pytestmark = pytest.mark.skipif(not all((FOLDER / name).is_file() for name in FILES),
                                reason=f"the real activities are not in {FOLDER}; USERTRAIL_TEST_DATA names their folder")


class Figures:
    """One file: its lines, and the figures that its README publishes, read from there."""

    def __init__(self, name):
        self.name = name
        self.raw = (FOLDER / name).read_bytes()
        self.lines = self.raw.decode("utf-8").splitlines()
        self.activities = [json.loads(line) for line in self.lines]
        section = (FOLDER / "README.md").read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
        self.table = dict(re.findall(r"^\| ([^|]+?) \| (.+?) \|$", section, re.MULTILINE))

    def number(self, row):
        return int(self.table[row])

    def counts(self, row):
        """`name` count, `name` count, …"""
        return {name: int(count) for name, count in re.findall(r"`([^`]+)` ([0-9]+)", self.table[row])}

    def top_user(self):
        text = self.table["user with most events"]
        match = re.fullmatch(r"`(.+)`: (\d+) events, (\d+) distinct timestamps, newest (\S+), oldest (\S+)", text)
        return match.group(1), int(match.group(2)), int(match.group(3)), match.group(4), match.group(5)

    def most_at_once(self):
        match = re.fullmatch(r"(\d+) \((\S+)\)", self.table["most events of that user in one timestamp"])
        return int(match.group(1)), match.group(2)


@pytest.fixture(scope="module", params=FILES)
def figures(request):
    return Figures(request.param)


def next_millisecond(timestamp):
    later = datetime.datetime.fromisoformat(timestamp[:-1]) + datetime.timedelta(milliseconds=1)
    return f"{later:%Y-%m-%dT%H:%M:%S}.{later.microsecond // 1000:03}Z"


def post_singly(service, figures):
    """Each activity in a request of its own, several of them under way; returns the ids in the order of the file."""
    ids = []
    with service.connect() as connection:
        for start in range(0, len(figures.lines), PIPELINED):
            group = figures.lines[start:start + PIPELINED]
            connection.send(b"".join(connection.encode("POST", LIST, line.encode("utf-8")) for line in group))
            ids += [expect.accepted_one(connection.read_answer()) for _ in group]
    return ids


def post_in_arrays(service, figures, size=500):
    ids = []
    for start in range(0, len(figures.lines), size):
        group = figures.lines[start:start + size]
        answer = service.post(b"[" + ",".join(group).encode("utf-8") + b"]")
        assert answer.status == 202 and answer.json["accepted"] == len(group) and answer.json["rejected"] == 0, answer
        ids += [result["id"] for result in answer.json["results"]]
    return ids


@pytest.fixture(scope="module", params=[post_singly, post_in_arrays], ids=["singly", "in arrays"])
def posted(request, figures):
    """A service that got all of the file and nothing else, and the ids that it gave."""
    with services.running() as service:
        ids = request.param(service, figures)
        service.wait_settled()
        yield service, figures, ids


@pytest.fixture(scope="module")
def rows(posted):
    """All rows, newest first."""
    return posted[0].walk()


def test_the_file_is_the_published_one(figures):
    """Guards the figures themselves: they are about exactly these bytes."""
    size, digest = re.fullmatch(r"(\d+), `([0-9a-f]{64})`", figures.table["bytes, SHA-256"]).groups()
    assert len(figures.raw) == int(size) and hashlib.sha256(figures.raw).hexdigest() == digest


def test_totals(posted, rows):
    """Guards the number of activities and of different users, actions and times."""
    service, figures, ids = posted
    assert len(rows) == len(ids) == len(set(ids)) == figures.number("events (lines)")
    assert {row["id"] for row in rows} == set(ids)
    assert service.get("/health").json["store"]["activities"] == len(ids)
    assert len({row["userId"] for row in rows}) == figures.number("distinct userId")
    assert len({row["action"] for row in rows}) == figures.number("distinct action")
    assert len({row["timestamp"] for row in rows}) == figures.number("distinct timestamps")
    once = [user for user, count in collections.Counter(row["userId"] for row in rows).items() if count == 1]
    assert len(once) == figures.number("users with one event only")


def test_order_and_ends(posted, rows):
    """Guards newest first over everything, and the first and last time by both orders."""
    service, figures, _ = posted
    first, last = figures.table["first, last timestamp"].split(", ")
    assert rows == sorted(rows, key=lambda row: (row["timestamp"], row["id"]), reverse=True)
    assert service.walk("&order=asc") == rows[::-1]
    assert service.get(f"{LIST}?limit=1").json["data"][0]["timestamp"] == last
    assert service.get(f"{LIST}?limit=1&order=asc").json["data"][0]["timestamp"] == first


def test_the_user_with_most_events(posted):
    """Guards a user's history: number, different times, newest and oldest."""
    service, figures, _ = posted
    user, count, times, newest, oldest = figures.top_user()
    rows = service.walk(f"&userId={urllib.parse.quote(user, safe='')}", 100)
    assert (len(rows), len({row["timestamp"] for row in rows})) == (count, times)
    assert (rows[0]["timestamp"], rows[-1]["timestamp"]) == (newest, oldest)


def test_the_next_users(posted):
    """Guards users whose names need percent-encoding, by their published counts."""
    service, figures, _ = posted
    for user, count in figures.counts("next users").items():
        assert len(service.walk(f"&userId={urllib.parse.quote(user, safe='')}", 50)) == count


def test_every_user_and_every_action(posted, rows):
    """Guards both indexes with everything there is: each user and each action gives exactly its rows, in order."""
    service, _, _ = posted
    for member in ("userId", "action"):
        groups = collections.defaultdict(list)
        for row in rows:
            groups[row[member]].append(row)
        for name, group in groups.items():
            assert service.walk(f"&{member}={urllib.parse.quote(name, safe='')}") == group


def test_top_actions(posted):
    """Guards the filter by action, alone and together with a user."""
    service, figures, _ = posted
    user = urllib.parse.quote(figures.top_user()[0], safe="")
    for action, count in figures.counts("top 5 actions").items():
        assert len(service.walk(f"&action={action}")) == count
    for action, count in figures.counts("top 5 actions of the top user").items():
        assert len(service.walk(f"&userId={user}&action={action}")) == count


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_pages_across_equal_timestamps(posted, order):
    """Guards paging where the time alone is no order: pages of 7 across the most activities in one time, by cursor and by
    number, without loss or repetition."""
    service, figures, _ = posted
    count, timestamp = figures.most_at_once()
    user = urllib.parse.quote(figures.top_user()[0], safe="")
    query = f"&userId={user}&from={timestamp}&to={next_millisecond(timestamp)}&order={order}"
    by_cursor = service.walk(query, 7)
    by_number = []
    for number in itertools.count(1):
        found = expect.page(service.get(f"{LIST}?limit=7&page={number}{query}"), number)
        by_number += found
        if len(found) < 7:
            break
    assert len(by_cursor) == count and {row["timestamp"] for row in by_cursor} == {timestamp}
    assert by_cursor == by_number
    assert by_cursor == sorted(by_cursor, key=lambda row: row["id"], reverse=order == "desc")


def test_what_came_back_is_what_was_sent(posted):
    """Guards the content: each activity equal as parsed, and its metadata to the letter."""
    service, figures, ids = posted
    with service.connect() as connection:
        for start in range(0, len(ids), PIPELINED):
            group = ids[start:start + PIPELINED]
            connection.send(b"".join(connection.encode("GET", f"{LIST}/{activity_id}") for activity_id in group))
            for offset, activity_id in enumerate(group):
                answer = connection.read_answer()
                assert answer.status == 200, answer
                row, line = answer.json, figures.lines[start + offset]
                assert {name: row[name] for name in ("id", "userId", "action", "timestamp", "metadata")} == {
                    "id": activity_id, **figures.activities[start + offset]}
                sent = expect.compact(expect.exact(expect.metadata_text(line)))
                assert expect.metadata_text(answer.text) == sent


@pair.needs_kept("stop")
def test_a_restart_keeps_every_figure(posted, rows):
    """Guards that nothing depends on the process: after a clean end and after a kill the same rows come back."""
    service, _, _ = posted
    service.restart()
    assert service.walk() == rows
    if pair.keeps_stored("kill"):
        service.kill()
        service.start()
        assert service.walk("", 333) == rows
