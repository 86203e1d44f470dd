"""Questions for metadata.<path>=value: what each finds, in memory, in the store and in a folder, and what is refused."""

import decimal
import json
import random
import re
import urllib.parse

import pytest

import expect
import pair
import service as services

LIST = "/api/v1/activities"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


# --- the judge ---

def is_value(found, wanted):
    """Whether a value of JSON, numbers as text, is what the text of a question asks for."""
    if isinstance(found, expect.Number):
        return bool(NUMBER.fullmatch(wanted)) and decimal.Decimal(found) == decimal.Decimal(wanted)
    if isinstance(found, str):
        return found == wanted
    return {True: "true", False: "false", None: "null"}[found] == wanted


def values_at(value, keys):
    """Every scalar that a path leads to; objects are ("object", pairs)."""
    for one in value if isinstance(value, list) else [value]:
        if keys:
            if isinstance(one, tuple):
                yield from (found for key, member in one[1] if key == keys[0] for found in values_at(member, keys[1:]))
        elif not isinstance(one, (tuple, list)):
            yield one


def keys_of(path):
    return [re.sub(r"\\(.)", r"\1", key) for key in re.findall(r"(?:[^.\\]|\\.)+", path)]


def holds(metadata, conditions):
    """`conditions` are pairs of path and value."""
    return all(any(is_value(found, value) for found in values_at(metadata, keys_of(path))
                   for other, value in conditions if other == path) for path, _ in conditions)


def query_of(conditions):
    return "".join(f"&metadata.{urllib.parse.quote(path, safe='')}={urllib.parse.quote_plus(value)}" for path, value in conditions)


@pytest.mark.parametrize("text, path, value, answer", [
    ('{"a":1.0}', "a", "1", True), ('{"a":"1.0"}', "a", "1", False), ('{"a":1e2}', "a", "100", True),
    ('{"a":12345678901234567890}', "a", "12345678901234567891", False), ('{"a":[{"b":2},{"b":[null]}]}', "a.b", "null", True),
    ('{"a":[[1]]}', "a", "1", False), ('{"a.b":true}', "a\\.b", "true", True), ('{"a":{"b":true}}', "a\\.b", "true", False)])
def test_the_judge(text, path, value, answer):
    """Guards the judge of this file: it says no where no is right."""
    assert holds(expect.exact(text), [(path, value)]) == answer


# --- random metadata ---

KEYS = ["a", "b", "a.b", "\u00e9", "back\\slash", 'quo"te', "$a"]
SCALARS = ["1", "1.0", "10e-1", "-0", "0", "2.50", "1E400", "12345678901234567890", "12345678901234567891", "true", "false",
           "null", '"1"', '"true"', '""', '"x y"', '"\u00e9"', '"\\u00e9"', '"\\ud83d\\ude00"', '"a\\"b\\\\"', '"&=+%"']
VALUES = ["1", "1e0", "0.0", "2.5", "100e398", "12345678901234567890", "12345678901234567891.0", "true", "false", "null", "",
          "x y", "\u00e9", "\U0001f600", 'a"b\\', "&=+%", "absent", "01", "1.0"]
PATHS = ["a", "b", "a\\.b", "\u00e9", "back\\\\slash", 'quo"te', "a.a", "a.b", "b.a", "a.a\\.b", "b.\u00e9", "a.b.a", "a.a.a.a"]


def any_json(chance, depth):
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        return chance.choice(SCALARS)
    if kind < 0.7:
        return "[" + ",".join(any_json(chance, depth - 1) for _ in range(chance.randrange(4))) + "]"
    return any_object(chance, depth - 1)


def any_object(chance, depth):
    keys = chance.sample(KEYS, chance.randrange(5))
    space = chance.choice(["", " "])
    return "{" + f",{space}".join(f"{json.dumps(key, ensure_ascii=chance.random() < 0.5)}:{space}{any_json(chance, depth)}"
                                  for key in keys) + "}"


def any_activities(chance, first, count):
    """JSON texts of activities whose numbers are spelt as they are chosen."""
    return [f'{{"id":"m-{number:05}","userId":"user {number % 7}","action":"act{number % 3}",'
            f'"timestamp":"2024-03-01T10:{chance.randrange(60):02}:00.{number % 5:03}Z","metadata":{any_object(chance, 3)}}}'
            for number in range(first, first + count)]


def any_question(chance):
    """Conditions, and the filters beside them: (conditions, users, action, to)."""
    conditions = [(chance.choice(PATHS[:chance.choice([2, 6, len(PATHS)])]), chance.choice(VALUES))
                  for _ in range(chance.choice([1, 1, 1, 1, 2, 5]))]
    users = chance.sample(range(8), chance.choice([0, 0, 1, 3]))
    return conditions, users, chance.choice([None, 0, 1]), chance.choice([None, "2024-03-01T10:30:00.002Z"])


def wanted_of(rows, question):
    conditions, users, action, end = question
    found = [row for row, metadata in rows
             if holds(metadata, conditions) and (not users or row["userId"] in [f"user {user}" for user in users])
             and (action is None or row["action"] == f"act{action}") and (end is None or row["timestamp"] < end)]
    return [row["id"] for row in sorted(found, key=lambda row: (row["timestamp"], row["id"]), reverse=True)]


def parameters_of(question):
    conditions, users, action, end = question
    beside = [f"&userId=user+{user}" for user in users]
    beside += [f"&action=act{action}"] if action is not None else []
    beside += [f"&to={end}"] if end is not None else []
    return query_of(conditions) + "".join(beside or ["&from=2024-01-01T00:00:00Z"])


def arguments_of(question):
    conditions, users, action, end = question
    return ([f"--metadata={path}={value}" for path, value in conditions] + [f"--user=user {user}" for user in users]
            + ([f"--action=act{action}"] if action is not None else []) + (["--to", end] if end is not None else []))


@pytest.fixture(scope="module", params=["local", "memory"] if pair.LOCAL else [pair.STORE])
def filled(request):
    """Half of the rows are in a part of the local store, half in its head. Returns service, rows and chance."""
    chance = random.Random(65)
    with services.running(*(["--store", request.param] if pair.LOCAL else [])) as service:
        texts = any_activities(chance, 0, 3000)
        for first in (0, 1500):
            service.record(("[" + ",".join(texts[first:first + 1500]) + "]").encode())
            service.wait_count(first + 1500)
            if first == 0 and pair.keeps_stored("stop"):
                service.restart()
        yield service, [(json.loads(text), dict(expect.exact(text)[1])["metadata"]) for text in texts], chance


def test_every_question_against_a_search_in_python(filled):
    """Guards values, paths, arrays and their joining with other filters, walked by cursor in pages of any size."""
    service, rows, chance = filled
    some = 0
    for _ in range(pair.some(250)):
        question = any_question(chance)
        wanted = wanted_of(rows, question)
        some += 0 < len(wanted) < len(rows)
        limit = chance.choice([1000, 100, 13]) if len(wanted) > 20 else chance.choice([1000, 5, 2, 1])
        found = [row["id"] for row in service.walk(parameters_of(question), limit)]
        assert found == wanted, question
    assert some > (100 if not pair.SCANS else 15)


@pair.needs_local_log
@pair.needs_local_store
@pytest.mark.parametrize("filled", ["local"], indirect=True)
def test_a_folder_answers_alike(filled):
    """Guards --metadata of query and export, also alone, which a server would refuse."""
    service, rows, chance = filled
    service.restart()
    for _ in range(25):
        question = any_question(chance)
        wanted = wanted_of(rows, question)
        lines = services.run_program("query", service.data, *arguments_of(question), "--limit", 100000).stdout.splitlines()
        assert [json.loads(line)["id"] for line in lines] == wanted, question
        lines = services.run_program("export", service.data, *arguments_of(question)).stdout.splitlines()
        assert [json.loads(line)["id"] for line in lines] == wanted[::-1], question
        counted = services.run_program("query", service.data, "--count", *arguments_of(question))
        assert counted.stdout == f"{len(wanted)}\n", question


def test_pages_and_their_links(filled):
    """Guards numbered pages, and that the link has the conditions in it and a cursor belongs to its own."""
    service, rows, _ = filled
    conditions = [(path, value) for value in ("1", "x y", "true", "null", "0") for path in ("a", "b")]
    query = "&action=act0" + query_of(conditions)
    wanted = wanted_of(rows, (conditions, [], 0, None))
    assert len(wanted) > 8
    first = service.get(f"{LIST}?limit=4{query}")
    assert [row["id"] for row in expect.page(first)] == wanted[:4]
    second = service.get(f"{LIST}?limit=4&page=2{query}")
    assert [row["id"] for row in expect.page(second, 2)] == wanted[4:8]
    link = re.fullmatch(r'<([^<> ]+)>; rel="next"', first.header("link")).group(1)
    assert [row["id"] for row in expect.page(service.get(link), None)] == wanted[4:8]
    cursor = first.json["nextCursor"]
    turned = "&action=act0" + query_of(conditions[::-1] + conditions[:1])
    assert service.get(f"{LIST}?limit=4{turned}&cursor={cursor}").status == 200
    for other in ([], conditions[1:], conditions[:-1] + [("b", "00")]):
        other = "&action=act0" + query_of(other)
        expect.problem(service.get(f"{LIST}?limit=4{other}&cursor={cursor}"), 400, detail="cursor")


def test_keys_and_values_that_databases_read_otherwise(shared):
    """Guards keys with dollars and dots, numbers beyond 64 bits and the deepest metadata: to the letter, and found."""
    deepest = '{"n":' * 30 + "{}" + "}" * 30
    texts = [f'{{"pri$ce":{{"a.b":{number},"$set":1}},"$or":[{{"a.b":0}}],"deep":{deepest}}}'
             for number in ("12345678901234567890", "12345678901234567891", '"12345678901234567890"')]
    for number, text in enumerate(texts):
        shared.record(f'{{"id":"odd-{number}","userId":"odd","action":"a","metadata":{text}}}'.encode())
    shared.wait_settled()
    for number, text in enumerate(texts):
        assert expect.metadata_text(shared.get(f"{LIST}/odd-{number}").text) == text
    for value, found in [("12345678901234567891", ["odd-1"]), ("12345678901234567890", ["odd-2", "odd-0"]),
                         ("1234567890123456789", [])]:
        question = query_of([("pri$ce.a\\.b", value)])
        assert sorted(row["id"] for row in shared.walk("&userId=odd" + question)) == sorted(found), question
    assert shared.walk("&userId=odd" + query_of([("pri$ce.a.b", "12345678901234567890")])) == []


REFUSED = {
    "metadata.a=1": "needs userId, action, from or to", "metadata.a=1&limit=5&order=asc": "needs userId, action, from or to",
    "userId=u&metadata=1": "metadata is not known", "userId=u&metadata[a]=1": "metadata[a]", "userId=u&metadata%5Ba%5D=1": "metadata[a]",
    "userId=u&metadata[$ne]=1": "metadata[$ne]", "userId=u&metadata.=1": "empty member", "userId=u&metadata.a.=1": "metadata.a.",
    "userId=u&metadata..a=1": "metadata..a", "userId=u&metadata.$where=1": "$where", "userId=u&metadata.a.$gt=1": "metadata.a.$gt",
    "userId=u&metadata.%24or=1": "$or", "userId=u&metadata.a[$ne]=1": "a[$ne]", "userId=u&metadata.a%5Cb=1": "backslash",
    "userId=u&metadata.a=%ff": "metadata.a", "userId=u&metadata.a=%00": "metadata.a", "userId=u&metadata.%zz=1": "metadata.%zz",
    "userId=u&metadata." + "a" * 257 + "=1": "256 bytes", "userId=u&metadata.a=" + "v" * 1025: "1024 bytes",
    "userId=u&metadata." + ".".join("abcdefghijklmnopq") + "=1": "16 members",
    "userId=u" + "".join(f"&metadata.p{i}=1" for i in range(9)): "at most 8 metadata paths",
    "userId=u" + "".join(f"&metadata.p{i % 8}={i}" for i in range(65)): "at most 64 values",
}


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:40])
def test_refused_by_name(shared, query):
    """Guards against finding nothing or everything where something else was meant."""
    assert REFUSED[query] in expect.problem(shared.get(f"{LIST}?{query}"), 400)["detail"]


def test_the_most_that_may_be_asked(shared):
    """Guards the near side of each bound."""
    most = "".join(f"&metadata.p{i % 8}={i}" for i in range(64))
    for query in (most, "&metadata." + "a" * 256 + "=1", "&metadata.a=" + "v" * 1024, "&metadata." + ".".join("abcdefghijklmnop") + "=1"):
        assert expect.page(shared.get(f"{LIST}?userId=u{query}")) == []


@pair.needs(not pair.SCANS, "the stand-in knows no time limit")
def test_a_question_that_finds_nothing_ends_in_time(make_service):
    """Guards the deadline while no row matches, in memory and in a part; other questions are answered before and after."""
    service = make_service("--query-timeout", "100ms").start()
    service.record({"userId": "v", "action": "a", "metadata": {"filler": 7}})
    for _ in range(10):
        service.record([{"userId": "u", "action": "a", "metadata": {"filler": [0] * 10000}}] * 100)
    service.wait_settled()
    slow = query_of([("filler", f"{value}") for value in range(1, 61)])  # 600 million comparisons
    for _ in range(2):
        expect.problem(service.get(f"{LIST}?userId=u{slow}"), 503, detail="longer than it may")
        assert len(expect.page(service.get(f"{LIST}?userId=v{slow}"))) == 1
        if pair.keeps_stored("stop"):
            service.restart()
