"""Filters that leave out: not.userId, not.action, not.metadata.<path>, of every route and command that has a filter, against
Python over the same rows. (Six seconds.)"""

import collections
import csv
import io
import json
import random
import urllib.parse

import pytest

import expect
import keys
import pair
import service as services
import stream

LIST = services.COLLECTION
USERS = ["ann", "bob", "odd one/é", "robot", "12345"]
ACTIONS = ["login", "click", "heartbeat", 'say "hi"']
SCREENS = ["home", 7, None, True, ["home", 7.0], {"no": "value"}, "absent"]
VALUES = ["home", "7", "null", "true", "none"]
FIELDS = ("userId", "action", "metadata.screen", "metadata.by.robot")
GROUPINGS = ("action", "user", "hour", "day", "minute", "metadata.screen")


def activities(chance, first, count):
    """Every second activity is one that people want to leave out. A screen that is "absent" is not there."""
    made = []
    for number in range(first, first + count):
        screen = chance.choice(SCREENS)
        metadata = {"by": [{"robot": number % 5}]} | ({} if screen == "absent" else {"screen": screen})
        made.append({"userId": "robot" if number % 2 else chance.choice(USERS), "action": chance.choice(ACTIONS), "metadata": metadata,
                     "id": f"w-{number:05}", "timestamp": f"2024-03-{10 + number % 2}T{number % 7:02}:{number % 60:02}:00.{number % 9:03}Z"})
    return made


@pytest.fixture(scope="module")
def filled():
    chance = random.Random(66)
    with services.running_with_parts([activities(chance, first, 600) for first in (0, 600, 1200)]) as service:
        yield service


# --- the judge ---

def texts(found):
    """What finds a value: each scalar of an array, and nothing an object."""
    if isinstance(found, list):
        return [text for one in found for text in texts(one)]
    if isinstance(found, dict):
        return []
    return [found if isinstance(found, str) else json.dumps(int(found) if isinstance(found, float) else found)]


def values(row, field):
    """All that stands in a field of an activity, as texts; nothing where it is absent."""
    if field in ("userId", "action"):
        return [row[field]]
    if field == "metadata.screen":
        return texts(row["metadata"]["screen"]) if "screen" in row["metadata"] else []
    return [str(one["robot"]) for one in row["metadata"]["by"]]


def matches(row, wanted, unwanted):
    return (all(any(value in asked for value in values(row, field)) for field, asked in wanted.items())
            and not any(value in out for field, out in unwanted.items() for value in values(row, field)))


def any_question(chance):
    """What is asked for and what is left out, by field."""
    choices = {"userId": [*USERS, "nobody"], "action": [*ACTIONS, "none"], "metadata.screen": VALUES, "metadata.by.robot": list("01234")}
    wanted, unwanted = ({field: chance.sample(choices[field], chance.choice([1, 1, 2, 3])) for field in FIELDS if chance.random() < often}
                        for often in (0.15, 0.4))
    return wanted, unwanted


def parameters_of(wanted, unwanted):
    pairs = [(field, value) for field, asked in wanted.items() for value in asked]
    pairs += [(f"not.{field}", value) for field, out in unwanted.items() for value in out]
    return "&" + urllib.parse.urlencode([*pairs, ("from", "2024-01-01T00:00:00Z")])


def arguments_of(wanted, unwanted):
    def option(front, field, value):
        name, _, path = field.partition(".")
        return f"--{front}{'user' if name == 'userId' else name}={path + '=' if path else ''}{value}"
    return ([option("", field, value) for field, asked in wanted.items() for value in asked]
            + [option("not-", field, value) for field, out in unwanted.items() for value in out])


def newest_first(rows):
    return [row["id"] for row in sorted(rows, key=lambda row: (row["timestamp"], row["id"]), reverse=True)]


def counted(rows, by):
    """The groups of a count, without an order."""
    groups = {"action": lambda row: [row["action"]], "user": lambda row: [row["userId"]],
              "hour": lambda row: [row["timestamp"][:13] + ":00:00.000Z"], "day": lambda row: [row["timestamp"][:10] + "T00:00:00.000Z"],
              "minute": lambda row: [row["timestamp"][:16] + ":00.000Z"], "metadata.screen": lambda row: set(values(row, by))}
    return dict(collections.Counter(key for row in rows for key in groups[by](row)))


# --- every way to ask ---

def test_lists_counts_and_exports(filled):
    """Guards what is left out of pages by cursor, of the count beside them, of groups and of exports, over parts and memory."""
    chance = random.Random(1)
    some = 0
    for number in range(pair.some(50)):
        question = any_question(chance)
        found = [row for row in filled.rows if matches(row, *question)]
        query = parameters_of(*question)
        some += 0 < len(found) < len(filled.rows)
        assert [row["id"] for row in filled.walk(query, chance.choice([1000, 300]))] == newest_first(found), question
        assert filled.get(f"{LIST}?limit=1&count=true{query}").json["count"] == len(found), question
        by = GROUPINGS[number % len(GROUPINGS)]
        answer = filled.get(f"/api/v1/stats?limit=10000&by={by}{query}").json
        assert {item["key"]: item["count"] for item in answer["data"]} == counted(found, by), (by, question)
        lines = filled.get(f"{LIST}/export?format=ndjson{query}").text.splitlines()
        assert [json.loads(line)["id"] for line in lines] == newest_first(found)[::-1], question
        rows = csv.DictReader(io.StringIO(filled.get(f"{LIST}/export?format=csv&order=desc{query}").text))
        assert [row["id"] for row in rows] == newest_first(found), question
    assert some > (30 if not pair.SCANS else 5)


def test_counts_without_times(filled):
    """Guards counts that come from what parts know without rows: one kind left out, or both, and nothing else asked."""
    for unwanted in ({"action": ["heartbeat"]}, {"userId": ["robot", "nobody"]}, {"action": ["click", "login"], "userId": ["robot"]}):
        found = [row for row in filled.rows if matches(row, {}, unwanted)]
        query = urllib.parse.urlencode([(f"not.{field}", value) for field, out in unwanted.items() for value in out])
        assert filled.get(f"{LIST}?limit=1&count=true&{query}").json["count"] == len(found), unwanted
        for by in GROUPINGS[:-1]:
            answer = filled.get(f"/api/v1/stats?limit=10000&by={by}&{query}").json
            assert {item["key"]: item["count"] for item in answer["data"]} == counted(found, by), (by, unwanted)


def test_one_users_timeline(filled):
    """Guards both spellings of the timeline: actions and metadata are left out of it, another user is no matter."""
    wanted = [row for row in filled.rows if matches(row, {"userId": ["ann"]}, {"action": ["click"], "metadata.screen": ["home"]})]
    query = "limit=1000&not.action=click&not.metadata.screen=home"
    for target in (f"/api/v1/users/ann/activities?{query}", f"/api/v1/users/activities?userId=ann&{query}",
                   f"/api/v1/users/activities?userId=ann&not.userId=bob&{query}"):
        assert [row["id"] for row in expect.page(filled.get(target))] == newest_first(wanted), target
    expect.problem(filled.get("/api/v1/users/ann/activities?not.userId=bob"), 400, detail="not.userId is not known")


def test_a_cursor_belongs_to_what_is_left_out(filled):
    """Guards the cursor: of the same question in any order, and of no other."""
    query = "&not.action=click&not.action=login&not.userId=bob&from=2024-01-01T00:00:00Z&not.metadata.screen=home"
    cursor = filled.get(f"{LIST}?limit=2{query}").json["nextCursor"]
    turned = "&not.metadata.screen=home&not.userId=bob&from=2024-01-01T00:00:00Z&not.action=login&not.action=click&not.userId=bob"
    assert filled.get(f"{LIST}?limit=2{turned}&cursor={cursor}").status == 200
    for other in (query.replace("not.", ""), query.replace("&not.userId=bob", ""), query.replace("bob", "ann"),
                  query.replace("not.metadata.screen=home", "not.metadata.screen=7"), "&from=2024-01-01T00:00:00Z"):
        expect.problem(filled.get(f"{LIST}?limit=2{other}&cursor={cursor}"), 400, detail="cursor")


@pytest.mark.parametrize("query, word", [
    ("not.userId=", "not.userId and not.action must not be empty"), ("not.user=a", "not.user is not known"),
    ("not.from=2024-01-01T00:00:00Z", "not.from is not known"), ("not.not.action=a", "not.not.action is not known"),
    ("not=a", "not is not known"), ("notAction=a", "notAction is not known"), ("action!=a", "action! is not known"),
    ("not.metadata.a=1", "needs userId, action, from or to"), ("not.metadata.a=1&not.action=b", "needs userId, action, from or to"),
    ("metadata.a=1&not.userId=b", "needs userId, action, from or to"), ("userId=u&not.metadata.$ne=1", "operator"),
    ("userId=u&not.metadata.=1", "empty member"), ("userId=u" + "".join(f"&not.metadata.p{i}=1" for i in range(9)), "at most 8"),
    ("".join(f"&not.action=a{i}" for i in range(65)), "at most 64"),
])
def test_refused_by_name(filled, query, word):
    """Guards against answers with what somebody meant to leave out: what is not understood is refused, by its name."""
    assert word in expect.problem(filled.get(f"{LIST}?{query}"), 400)["detail"]


def ids_by_user(rows):
    """In the order that promises anything: a log of several partitions keeps that of each user."""
    ids = {}
    for row in rows:
        ids.setdefault(row["userId"], []).append(row["id"])
    return ids


@pair.needs_log_that_keeps
def test_who_follows_is_not_told(shared):
    """Guards the live tail, as things come and when somebody comes back."""
    unwanted = {"userId": ["robot"], "action": ["heartbeat"], "metadata.screen": ["home"]}
    query = "?not.userId=robot&not.action=heartbeat&not.metadata.screen=home"
    made = [{**row, "id": "live-" + row["id"]} for row in activities(random.Random(2), 0, 60)]
    wanted = ids_by_user(row for row in made if matches(row, {}, unwanted))
    count = sum(map(len, wanted.values()))
    with stream.following(shared, query) as first:
        shared.record([{"userId": "a", "action": "b", "id": "live-first"}])
        assert first.until("live-first") == ["live-first"]
        last_id = first.last_id
        shared.record(made)
        assert ids_by_user(first.take(count)) == wanted
    with stream.following(shared, query, last_id) as second:
        assert ids_by_user(second.take(count)) == wanted


def test_a_limited_key_sees_no_more(make_service, tmp_path):
    """Guards keys limited to users: what is left out is left out of what they may see, and opens nothing else."""
    keyed = keys.Keyed(make_service, tmp_path)
    keyed.record([{"userId": user, "action": action, "id": f"{user}-{action}"} for user in ("u", "v") for action in ("a", "b")])
    keyed.wait_settled()
    for query, found in (("not.userId=v", ["u-a", "u-b"]), ("not.userId=u", []), ("not.action=a", ["u-b"]),
                         ("userId=u&not.userId=v&not.action=b", ["u-a"])):
        rows = keyed.ask("GET", f"{LIST}?{query}", "u").json["data"]
        assert sorted(row["id"] for row in rows) == found, query
        answer = keyed.ask("GET", f"/api/v1/stats?by=user&{query}", "u").json["data"]
        assert answer == ([{"key": "u", "count": len(found)}] if found else []), query
        lines = keyed.ask("GET", f"{LIST}/export?{query}", "u").text.splitlines()
        assert sorted(json.loads(line)["id"] for line in lines) == found, query
    expect.problem(keyed.ask("GET", f"{LIST}?userId=v&not.userId=u", "u"), 403)


# --- commands ---

def test_commands_ask_a_server_alike(filled):
    """Guards --not-user, --not-action and --not-metadata of the commands that ask a server."""
    chance = random.Random(3)
    for _ in range(4):
        wanted, unwanted = any_question(chance)
        found = [row for row in filled.rows if matches(row, wanted, unwanted)]
        arguments = ["--url", filled.url, "--from=2024-01-01T00:00:00Z", *arguments_of(wanted, unwanted)]
        lines = services.run_program("query", *arguments, "--limit", 5000).stdout.splitlines()
        assert [json.loads(line)["id"] for line in lines] == newest_first(found), (wanted, unwanted)
        lines = services.run_program("stats", *arguments, "--by", "action").stdout.splitlines()
        assert {item["key"]: item["count"] for item in map(json.loads, lines)} == counted(found, "action"), (wanted, unwanted)
    lines = services.run_program("tail", "--url", filled.url, "--not-user=robot", "--not-action=click", "-n", 5).stdout.splitlines()
    found = [row for row in filled.rows if matches(row, {}, {"userId": ["robot"], "action": ["click"]})]
    assert [json.loads(line)["id"] for line in lines] == newest_first(found)[:5][::-1]


@pair.needs_local_log
@pair.needs_local_store
def test_commands_read_a_folder_alike(filled):
    """Guards the same over a folder, where everything is in parts now."""
    filled.restart()
    chance = random.Random(4)
    for _ in range(8):
        wanted, unwanted = any_question(chance)
        found = [row for row in filled.rows if matches(row, wanted, unwanted)]
        arguments = [filled.data, *arguments_of(wanted, unwanted)]
        lines = services.run_program("export", *arguments).stdout.splitlines()
        assert [json.loads(line)["id"] for line in lines] == newest_first(found)[::-1], (wanted, unwanted)
        assert services.run_program("query", *arguments, "--count").stdout == f"{len(found)}\n", (wanted, unwanted)
        for by in ("user", "hour"):
            lines = services.run_program("stats", *arguments, "--by", by, "--limit", 10000).stdout.splitlines()
            assert {item["key"]: item["count"] for item in map(json.loads, lines)} == counted(found, by), (wanted, unwanted)
