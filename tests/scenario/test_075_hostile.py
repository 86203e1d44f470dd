"""Questions that mean harm: operators, every parameter tampered with, tokens with each byte changed, and queries of any size.
Whatever is asked, the answer is the right one or names what is wrong, and the service goes on."""

import itertools
import urllib.parse

import pytest

import expect
import openapi
import pair

LIST = "/api/v1/activities"
ASKED = [LIST, f"{LIST}/h-0", "/api/v1/stats?by=user", "/api/v1/users/ann", "/api/v1/users?userId=ann", "/api/v1/users/ann/activities",
         "/api/v1/users/activities?userId=ann", "/api/v1/refused"]
FREE = {"userId", "action", "metadata", "not.userId", "not.action", "cursor", "after"}  # any text may be meant; what it finds is looked at instead
VALUES = {"userId": "ann", "action": "a", "from": "2024-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z", "limit": "5", "page": "1",
          "order": "asc", "count": "true", "by": "action", "interval": "1h"}
TAMPERED = ["", "%00", "%ff", "%", "%zz", "-1", "0x10", "1e9", "NaN", "Infinity", "null", "undefined", "true%20", "[]", "[$ne]", "{}",
            "%7B%22$gt%22:%22%22%7D", "$where", "'", "%22", "%27%20OR%201=1--", "../../etc/passwd", "%2e%2e%2f", "1;drop", "%0d%0aX:1",
            "%E2%80%AE", "%D9%A1", "9" * 400, "a" * 4000, "%F0%9F%98%80" * 100, "${jndi:ldap://x}", "{{7*7}}", "*", ".*", "%25", "+"]


@pytest.fixture(scope="module")
def filled(shared):
    shared.record([{"userId": ("ann", "bob")[number % 2], "action": "a", "id": f"h-{number}", "metadata": {"$ne": 1, "k": number},
                    "timestamp": f"2024-01-15T10:00:{number:02}Z"} for number in range(30)])
    shared.wait_count(30)
    return shared


def joined(target, query):
    return f"{target}{'&' if '?' in target else '?'}{query}"


@pytest.mark.parametrize("name", ["userId[$ne]", "userId[]", "userId[0]", "userId.$gt", "action[$regex]", "$where", "metadata.$where",
                                  "metadata.k[$ne]", "metadata.k.$gt", "metadata.$or.0", "metadata", "from[$gte]", "limit[$gt]",
                                  "cursor[$ne]", "after[$ne]", "__proto__", "constructor.prototype", "page[]", "%24where",
                                  "userId%5B%24ne%5D", "metadata.%24where", "metadata%2E%24where", "metadata.", "metadata..k",
                                  "not", "not.", "not.from", "not.not.userId", "not.userId[$ne]", "not.metadata.$where"])
@pytest.mark.parametrize("target", ASKED)
def test_operators_are_refused(filled, target, name):
    """Guards against injection by names: each is refused, by its name, on every route, whatever its value."""
    for value in ("", "x", "%7B%22$gt%22:%22%22%7D", "function(){return+true}"):
        document = expect.problem(filled.get(joined(target, f"userId=ann&{name}={value}" if target == LIST else f"{name}={value}")), 400)
        assert any(part in document["detail"] for part in (urllib.parse.unquote(name), "metadata", "userId")), document


def test_operators_in_values_are_texts(filled):
    """Guards against injection by values: whoever is called so is looked for, and nobody else is found."""
    for value in TAMPERED[8:]:
        for query in (f"userId={value}", f"action={value}", f"userId=ann&metadata.k={value}"):
            answer = filled.get(f"{LIST}?{query}")
            if answer.status == 200:
                assert answer.json["data"] == [], (query, answer)
            else:
                expect.problem(answer, 400)


@pytest.mark.parametrize("target", ASKED)
def test_every_parameter_tampered_with(filled, target):
    """Guards each parameter of each route by itself: what cannot be meant is 400, what can finds what it names, and nothing is 5xx
    but a receipt that is waited for in vain."""
    names = [parameter["name"] for parameter in openapi.parameters("GET", target.split("?")[0]) if parameter["in"] == "query"]
    for name, value in itertools.product([name for name in names if name not in ("metadata", "not.metadata")], TAMPERED):
        others = target.split("?")[1] if "?" in target and not target.split("?")[1].startswith(f"{name}=") else ""
        answer = filled.get(joined(target.split("?")[0], f"{others}&{name}={value}"))
        if name not in FREE:
            expect.problem(answer, 400)
        elif name in ("cursor", "after"):
            expect.problem(answer, 400, detail="cursor" if name == "cursor" and value else None)
        else:
            assert answer.status in (200, 400, 404), (name, value, answer)


@pytest.mark.parametrize("target", ASKED)
def test_repeated_parameters(filled, target):
    """Guards against two readings of one question: what may stand once is refused twice, also with the same value, and however
    its name is spelt."""
    path, _, others = target.partition("?")
    for parameter in openapi.parameters("GET", path):
        name = parameter["name"]
        if parameter["in"] != "query" or parameter["schema"].get("type") == "array" or name not in VALUES:
            continue
        rest = "" if others.startswith(f"{name}=") else f"{others}&"
        again = f"%{ord(name[0]):02x}{name[1:]}"
        for query in (f"{name}={VALUES[name]}&{name}={VALUES[name]}", f"{name}={VALUES[name]}&{again}={VALUES[name]}"):
            expect.problem(filled.get(f"{path}?{rest}{query}"), 400, detail=f"{name} may appear once only")


@pytest.mark.parametrize("target", [f"{LIST}?userId=ann&limit=2", "/api/v1/users/ann/activities?limit=2", f"{LIST}?limit=2&order=asc"])
def test_cursors_with_each_byte_changed(filled, target):
    """Guards pages: a cursor is taken as it was given or not at all, and never leads to another place."""
    cursor = filled.get(target).json["nextCursor"]
    expected = filled.get(f"{target}&cursor={cursor}").json["data"]
    assert expected
    for at in range(len(cursor)):
        for other in "A", "z", "_", "%00", "":
            changed = cursor[:at] + other + cursor[at + 1:]
            if changed != cursor:
                expect.problem(filled.get(f"{target}&cursor={changed}"), 400, detail="cursor")
    for changed in (cursor + "A", cursor + "=", cursor * 2, cursor[1:], cursor[:-1], cursor.swapcase()):
        expect.problem(filled.get(f"{target}&cursor={changed}"), 400, detail="cursor")
    assert filled.get(f"{target}&cursor={cursor}").json["data"] == expected


@pytest.mark.parametrize("target", ASKED)
def test_64_kib_of_query(filled, target):
    """Guards memory and time: more than a target may have is 414, and everybody else is answered."""
    for filler in ("a", "&", "userId=a&", "metadata.k=1&", "%41", "limit=1&", "cursor=AAAA", "after=AAAA", "=", "%"):
        with filled.connect() as connection:
            answer = connection.get(joined(target, (filler * (64 * 1024 // len(filler) + 1))[:64 * 1024]))
            assert answer.status in (414, 431), answer
    assert filled.get("/livez").status == 200


@pytest.mark.parametrize("target", ASKED)
def test_as_much_of_a_query_as_there_may_be(filled, target):
    """Guards the largest queries that are read at all: whatever they are made of, they are answered."""
    size = 7 * 1024
    for filler in ("&", "userId=a&", "userId=ann&userId=bob&", "action=a&", "metadata.k=1&", "metadata." + "a." * 100 + "=1&", "x=1&",
                   "%26", "limit=1&", "from=2024-01-01T00:00:00Z&", "cursor=" + "A" * size, "after=" + "A" * size, "=&", "%41=&"):
        query = (filler * (size // len(filler) + 1))[:size].rpartition("&")[0] if len(filler) < size else filler
        answer = filled.get(joined(target, query))
        assert answer.status in (200, 400), (filler, answer)
        if answer.status == 400:
            expect.problem(answer, 400)


def test_the_deepest_and_widest_question(filled):
    """Guards the limits of a filter: the most of everything at once is answered, and one more of each is refused."""
    users = "&".join(f"userId=u{number}" for number in range(63))
    values = "&".join(f"metadata.k=v{number}" for number in range(63))
    assert filled.get(f"{LIST}?{users}&userId=ann&{values}&metadata.k=2&count=true").json["count"] == 1
    expect.problem(filled.get(f"{LIST}?{users}&userId=a&userId=b"), 400, detail="at most 64")
    expect.problem(filled.get(f"{LIST}?userId=ann&{values}&metadata.k=a&metadata.k=b"), 400, detail="at most 64")


def test_nothing_was_harmed(filled):
    """Guards what the questions of this file were about: the same rows are there, and the process is the same."""
    rows = filled.wait_count(30)
    assert sorted(row["id"] for row in rows) == sorted(f"h-{number}" for number in range(30))
    assert filled.starts == 1 and (pair.LOG != "local" or "warning" not in filled.stderr.lower())
