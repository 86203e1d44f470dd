"""The document of the API, as the program serves it, and what it says of an answer.

Every answer that a scenario test gets is held to it (see wire.py): a status that is not described, or a type of problem that
is not described at this place, fails the test that met it.
"""

import json
import re
from functools import lru_cache
from pathlib import Path

DOCUMENT = json.loads((Path(__file__).resolve().parent.parent.parent / "src/interfaces/api/openapi.json").read_text("utf-8"))
PROBLEM = "application/problem+json"
# Methods are told apart by case; HEAD is answered as GET is.
MEMBERS = {"GET": "get", "HEAD": "get", "POST": "post", "DELETE": "delete"}


def resolve(value):
    """What a value says, itself or where its $ref leads."""
    while isinstance(value, dict) and "$ref" in value and value["$ref"].startswith("#/"):
        further = {key: member for key, member in value.items() if key != "$ref"}
        target = DOCUMENT
        for name in value["$ref"][2:].split("/"):
            target = target[name]
        value = {**target, **further}
    return value


def problem_types(response):
    """Those that a response lists."""
    schema = resolve(response)["content"][PROBLEM]["schema"]
    return set(schema["properties"]["type"]["enum"])


TYPES = {entry["const"] for entry in DOCUMENT["components"]["schemas"]["ProblemType"]["oneOf"]}
TRANSPORT = problem_types(DOCUMENT["components"]["responses"]["Transport"])
ELSEWHERE = problem_types(DOCUMENT["components"]["responses"]["NoSuchRoute"])
OTHER_METHOD = problem_types(DOCUMENT["components"]["responses"]["MethodNotAllowed"])


def paths():
    """(path, path item) of everything that is described, aliases included."""
    for path, item in DOCUMENT["paths"].items():
        yield path, item
        for alias in item.get("x-aliases", ()):
            yield alias, item


# What answers until somebody leaves.
ENDLESS = {path for path, item in paths()
           if "text/event-stream" in item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})}

# A path that is there by its name goes before one that takes any.
PATTERNS = [(re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))), item)
            for path, item in sorted(paths(), key=lambda entry: entry[0].count("{"))]


@lru_cache(4096)
def find_item(path):
    """The path item of a raw path, None when nothing is described there. The last "/" is ignored, as older routers do."""
    whole = path if len(path) == 1 or not path.endswith("/") else path[:-1]
    for wanted in dict.fromkeys((path, whole)):
        for pattern, item in PATTERNS:
            if pattern.fullmatch(wanted):
                return item
    return None


def find_response(method, path, status):
    """What is described for this, None when nothing is."""
    operation = (find_item(path) or {}).get(MEMBERS.get(method), {})
    responses = operation.get("responses", {})
    return responses.get(str(status), responses.get("default") if status >= 400 else None)


def parameters(method, path):
    """All that an operation describes, resolved."""
    described = map(resolve, find_item(path)[MEMBERS[method]].get("parameters", ()))
    return [{**parameter, "schema": resolve(parameter["schema"])} for parameter in described]


def described_types(method, path, status):
    """The types of problems that may come with this status."""
    item = find_item(path)
    if item is None:
        return ELSEWHERE | TRANSPORT
    if MEMBERS.get(method) not in item:
        return OTHER_METHOD | ELSEWHERE | TRANSPORT
    response = find_response(method, path, status)
    return problem_types(response) if response else set()


def check(method, target, answer):
    """Fails when an answer is not what the document says."""
    path = target.partition("?")[0]
    if not path.startswith("/") or (method == "OPTIONS" and answer.status == 204):
        return
    if answer.status < 400:
        assert find_response(method, path, answer.status), f"{method} {target}: {answer.status} is not described"
        for result in answer.json.get("results", ()) if answer.status == 202 and answer.body else ():
            assert "error" not in result or result["error"]["type"] in TYPES, result
    elif answer.header("content-type") == PROBLEM and answer.body:
        known = described_types(method, path, answer.status)
        assert answer.json["type"] in known, f"{method} {target}: {answer} is not described, there are {sorted(known)}"
