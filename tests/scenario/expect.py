"""What answers look like: the shapes that every client relies on, checked in one place."""

import json
import re

import pair

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
TOKEN = re.compile(r"[A-Za-z0-9_-]+")
TITLES = {}


def problem(answer, status, *pointers, detail=None):
    """Problem+json (RFC 9457) with these pointers in this order; returns the document."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/problem+json", answer
    document = answer.json
    check_problem(document, status, *pointers)
    if detail is not None:
        assert detail in document["detail"], document
    if status in (503, 507):
        assert int(answer.header("retry-after")) >= 1, answer
    return document


def check_problem(document, status, *pointers):
    for name in ("type", "title", "detail", "message"):
        assert isinstance(document[name], str) and document[name].strip(), document
    assert document["status"] == status, document
    assert TITLES.setdefault(document["type"], document["title"]) == document["title"], "a type has one title"
    faults = document.get("errors", [])
    for fault in faults:
        assert set(fault) == {"pointer", "detail"} and fault["detail"].strip(), document
    assert [fault["pointer"] for fault in faults] == list(pointers), document


def accepted_one(answer, durability=pair.DURABILITY):
    """The 202 of a single activity; returns its id."""
    assert answer.status == 202, answer
    assert answer.header("content-type") == "application/json", answer
    document = answer.json
    assert list(document) == ["status", "message", "id", "durability", "receipt"], document
    assert document["status"] == "success" and document["message"] == "Log queued successfully", document
    assert document["durability"] == durability, document
    assert TOKEN.fullmatch(document["receipt"]), document
    return document["id"]


def page(answer, number=1):
    """The 200 of a list; returns its rows."""
    assert answer.status == 200, answer
    assert answer.header("content-type") == "application/json", answer
    document = answer.json
    assert list(document)[:5] == ["status", "results", "page", "data", "nextCursor"], document
    assert document["status"] == "success" and document["page"] == number, document
    assert document["results"] == len(document["data"]), document
    for item in document["data"]:
        row(item)
    if document["nextCursor"] is None:
        assert answer.header("link") is None, answer
    else:
        assert TOKEN.fullmatch(document["nextCursor"]), document
        assert re.fullmatch(r'<[^<> ]+>; rel="next"', answer.header("link")), answer
    return document["data"]


def row(item):
    assert list(item)[:5] == ["id", "userId", "action", "timestamp", "metadata"], item
    assert TIME.fullmatch(item["timestamp"]), item
    assert isinstance(item["metadata"], dict), item


# --- JSON to the letter ---

class Number(str):
    """The text of a number."""


def exact(text):
    """JSON with objects as lists of pairs and numbers as text, so that order, repetition and spelling are compared, too."""
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=lambda pairs: ("object", pairs))


def compact(value):
    """Text of what exact() gave, without white space."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, tuple):
        return "{" + ",".join(f"{compact(key)}:{compact(member)}" for key, member in value[1]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def metadata_text(row_text):
    """The metadata in the text of one row, to the letter."""
    start = row_text.index('"metadata":') + len('"metadata":')
    end = json.JSONDecoder().raw_decode(row_text, start)[1]
    return row_text[start:end]
