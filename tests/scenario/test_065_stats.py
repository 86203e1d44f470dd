"""Counts by action, user, hour and day: what GET and the command say, against what Python counts."""

import collections
import contextlib
import datetime
import itertools
import json
import os
import pty
import random
import subprocess
import urllib.parse

import pytest

import expect
import pair
import service as services

STATS = "/api/v1/stats"
USERS = ["ann", "bob", "odd one/é", "dan", "eve"]
ACTIONS = ["login", "click", "view", "buy", 'say "hi"']
GROUPINGS = ["action", "user", "minute", "hour", "day", "time", "metadata.screen"]
SCREENS = ["home", "cart", 7, 7.0, None, ["home", "cart", "home"], {"no": "value"}]
INTERVAL_SECONDS = 40 * 60  # of the groups by time


def activities(chance, first, count):
    """Three days in which a third comes late, some of them on the very hour."""
    made = []
    for number in range(first, first + count):
        minute = number * 3 % 4320 - (chance.randrange(600) if number % 3 == 0 else 0)
        time = f"2024-03-{10 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.{chance.choice([0, 1, 999]):03}Z"
        made.append({"userId": chance.choice(USERS), "action": chance.choice(ACTIONS), "id": f"s-{number:05}", "timestamp": time,
                     "metadata": {"screen": SCREENS[number % len(SCREENS)]}})
    return made


def stretch(timestamp):
    seconds = int(datetime.datetime.fromisoformat(timestamp).timestamp()) // INTERVAL_SECONDS * INTERVAL_SECONDS
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def values(screen):
    """The groups that one row is in: each element of an array once, and an object in none."""
    if isinstance(screen, list):
        return sorted(set(screen))
    return [] if isinstance(screen, dict) else ["null" if screen is None else f"{screen:g}" if screen == 7 else screen]


def query_by(by):
    return f"by={by}&from=2000-01-01T00:00:00Z" if by.startswith("metadata.") else by_time(by)


def by_time(by):
    return f"by=time&interval={INTERVAL_SECONDS // 60}m" if by == "time" else f"by={by}"


def count(rows, by, users=(), actions=(), start="", end="9999-12-31"):
    """[(key, count), …] in the order that is promised. Times are texts of one form, so they compare as such."""
    wanted = [row for row in rows if (not users or row["userId"] in users) and (not actions or row["action"] in actions)
              and start <= row["timestamp"] < end]
    keys = {"action": lambda row: [row["action"]], "user": lambda row: [row["userId"]],
            "minute": lambda row: [row["timestamp"][:16] + ":00.000Z"], "hour": lambda row: [row["timestamp"][:13] + ":00:00.000Z"],
            "day": lambda row: [row["timestamp"][:10] + "T00:00:00.000Z"], "time": lambda row: [stretch(row["timestamp"])],
            "metadata.screen": lambda row: values(row["metadata"]["screen"])}
    counts = collections.Counter(itertools.chain.from_iterable(map(keys[by], wanted)))
    if by in ("minute", "hour", "day", "time"):
        return sorted(counts.items())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].encode()))


def groups(answer, by):
    """The 200 of counts; returns pairs and whether there are more."""
    assert answer.status == 200 and answer.header("content-type") == "application/json", answer
    document = answer.json
    assert list(document) == ["status", "by", "data", "more"], document
    assert document["status"] == "success" and document["by"] == by, document
    assert all(list(item) == ["key", "count"] for item in document["data"]), document
    return [(item["key"], item["count"]) for item in document["data"]], document["more"]


@pytest.fixture(scope="module")
def filled():
    chance = random.Random(65)
    with services.running_with_parts([activities(chance, first, 1200) for first in (0, 1200, 2400)]) as service:
        yield service


QUESTIONS = [
    {}, {"users": ["ann"]}, {"users": ["odd one/é", "eve"]}, {"users": ["nobody"]},
    {"actions": ["click"]}, {"actions": ["buy", 'say "hi"', "none"]}, {"users": ["bob"], "actions": ["view", "login"]},
    {"start": "2024-03-11T00:00:00.000Z"}, {"end": "2024-03-11T12:00:00.000Z"},
    {"start": "2024-03-10T05:00:00.000Z", "end": "2024-03-12T07:00:00.000Z"},
    {"start": "2024-03-10T05:17:00.001Z", "end": "2024-03-12T07:30:00.999Z"},
    {"start": "2024-03-11T05:17:00.000Z", "end": "2024-03-11T05:45:00.000Z"},
    {"start": "2024-03-11T05:00:00.001Z", "end": "2024-03-11T23:59:00.000Z", "actions": ["login", "view"]},
    {"start": "2024-03-11T05:00:00.001Z", "users": ["ann", "dan"]},
    {"start": "2025-01-01T00:00:00.000Z"},
]


def query_of(question):
    pairs = [("userId", user) for user in question.get("users", [])] + [("action", action) for action in question.get("actions", [])]
    pairs += [(name, question[key]) for name, key in (("from", "start"), ("to", "end")) if key in question]
    return urllib.parse.urlencode(pairs)


@pytest.mark.parametrize("by", GROUPINGS)
def test_counts_are_exact(filled, by):
    """Guards every grouping with every kind of filter over parts and memory: the same groups, counts and order as Python."""
    for question in QUESTIONS:
        query = query_of(question)
        asked = by_time(by) if query else query_by(by)
        found, more = groups(filled.get(f"{STATS}?{asked}&limit=10000&{query}"), by)
        assert found == count(filled.rows, by, **question), question
        assert not more


def test_a_group_by_metadata_is_what_the_filter_finds(filled):
    """Guards the key of a group: asking for it by metadata.<path> finds as many as were counted."""
    found, _ = groups(filled.get(f"{STATS}?by=metadata.screen&userId=ann"), "metadata.screen")
    assert {key for key, _ in found} == {"home", "cart", "7", "null"}
    for key, number in found:
        answer = filled.get(f"/api/v1/activities?userId=ann&count=true&metadata.screen={key}")
        assert answer.json["count"] == number, key


def test_the_limit_cuts_and_says_so(filled):
    """Guards limit and more: the first groups of the order, and whether there are others."""
    everyone = count(filled.rows, "user")
    for limit in range(1, len(everyone) + 2):
        found, more = groups(filled.get(f"{STATS}?by=user&limit={limit}"), "user")
        assert found == everyone[:limit] and more == (limit < len(everyone))
    hours = count(filled.rows, "hour")
    assert groups(filled.get(f"{STATS}?limit=7&by=hour"), "hour") == (hours[:7], True)


@pytest.mark.parametrize("query, word", [
    ("", "by must be action, user, minute, hour, day, time"), ("by=week", "by must be action, user, minute"), ("by=", "by must be"),
    ("by=time", "needs an interval"), ("by=time&interval=0m", "interval"), ("by=time&interval=15", "interval"),
    ("by=day&interval=1d", "by=time only"), ("by=metadata.screen", "needs userId"), ("by=metadata.$where&userId=a", "operator"),
    ("by=metadata.a[$ne]&userId=a", "operator"), ("by=metadata&userId=a", "by must be"), ("by=$sum", "by must be"),
    ("by=hour&by=day", "by may"), ("by=hour&page=1", "page is not known"), ("by=hour&cursor=x", "cursor is not known"),
    ("by=hour&order=asc", "order is not known"), ("by=hour&user=ann", "user is not known"), ("by=hour&limit=0", "limit"),
    ("by=hour&limit=10001", "from 1 to 10000"), ("by=hour&from=today", "from"), ("by=hour&userId=", "userId"),
])
def test_refused_by_name(filled, query, word):
    """Guards against counts of something else than was meant: what is not understood is refused, by its name."""
    assert word in expect.problem(filled.get(f"{STATS}?{query}"), 400)["detail"]


# --- the command ---

@pytest.fixture(scope="module")
def folder(filled):
    """The folder when its server has ended: everything is in parts. (For tests of a store with files.)"""
    filled.stop()
    yield filled
    filled.start()


def arguments_of(question):
    pairs = [("--user", user) for user in question.get("users", [])] + [("--action", action) for action in question.get("actions", [])]
    pairs += [(name, question[key]) for name, key in (("--from", "start"), ("--to", "end")) if key in question]
    return [part for pair in pairs for part in pair]


@pair.needs_local_store
@pytest.mark.parametrize("by", GROUPINGS)
def test_the_command_counts_the_same(folder, by):
    """Guards the counts of a folder without a server, one JSON object a line, and that looking changes nothing."""
    before = {path: path.read_bytes() for path in folder.data.rglob("*") if path.is_file()}
    for question in QUESTIONS:
        interval = ["--interval", f"{INTERVAL_SECONDS}s"] if by == "time" else []
        result = services.run_program("stats", folder.data, "--by", by, *interval, "--limit", 10000, *arguments_of(question))
        assert result.returncode == 0 and result.stderr == "", result
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert [(row["key"], row["count"]) for row in rows] == count(folder.rows, by, **question), question
    assert {path: path.read_bytes() for path in folder.data.rglob("*") if path.is_file()} == before


@pair.needs_local_store
def test_the_command_tells_that_there_is_more(folder):
    """Guards against taking the first groups for all of them."""
    result = services.run_program("stats", folder.data, "--by", "user", "--limit=2")
    assert len(result.stdout.splitlines()) == 2 and "--limit" in result.stderr and result.returncode == 0


def read_all(controller):
    """A terminal hands on what was written in pieces, and ends with an error once nobody has its other side."""
    data = b""
    with contextlib.suppress(OSError):
        while piece := os.read(controller, 1 << 16):
            data += piece
    return data.decode().replace("\r\n", "\n")


def on_terminal(*arguments):
    controller, terminal = pty.openpty()
    try:
        try:
            subprocess.run([services.BINARY, *map(str, arguments)], env=services.environment(), stdin=subprocess.DEVNULL,
                           stdout=terminal, stderr=subprocess.PIPE, timeout=20, check=True)
        finally:
            os.close(terminal)
        return read_all(controller)
    finally:
        os.close(controller)


@pair.needs_local_store
def test_people_see_bars(folder):
    """Guards the table on a terminal: columns that line up, and bars in the proportion of the counts."""
    lines = on_terminal("stats", folder.data, "--by", "user").splitlines()
    expected = count(folder.rows, "user")
    width = max(len(key) for key, _ in expected)
    for line, (key, number) in zip(lines, expected, strict=True):
        assert line[:width].rstrip() == key and line[width:].split()[0] == str(number), lines
        bar = line.split()[-1]
        assert set(bar) == {"█"} and len(bar) == number * 40 // expected[0][1], lines
    assert len({line.index("█") for line in lines}) == 1


@pair.needs_local_store
def test_long_names_are_cut_on_a_terminal(make_service):
    """Guards the columns of the table: a name of 40 characters is whole, a longer one is cut between two characters."""
    service = make_service().start()
    service.record([{"userId": "é" * 40, "action": "x", "id": "1"}, {"userId": "ü" * 41, "action": "x", "id": "2"}])
    service.wait_count(2)
    service.stop()
    assert on_terminal("stats", service.data, "--by", "user").splitlines() == [
        "é" * 40 + "  1  " + "█" * 40, "ü" * 39 + "…" + "  1  " + "█" * 40]


@pytest.mark.parametrize("arguments, words", [
    (["stats", "DIR"], "--by is missing"), (["stats", "--by", "day"], "folder is missing"),
    (["stats", "DIR", "--by", "week"], "action, user, minute, hour, day"), (["stats", "DIR", "--by", "time"], "interval"),
    (["stats", "DIR", "--by", "hour", "--interval", "1h"], "by=time only"), (["stats", "DIR", "--by", "day", "--limit", "0"], "--limit"),
    (["stats", "DIR", "--by", "day", "--order", "asc"], "no option"), (["stats", "DIR", "--by=day", "--by=hour"], "once only"),
])
def test_wrong_arguments_are_refused(folder, arguments, words):
    """Guards the exit code that scripts see."""
    result = services.run_program(*[folder.data if argument == "DIR" else argument for argument in arguments])
    assert result.returncode == 2 and result.stdout == "" and words in result.stderr, result
