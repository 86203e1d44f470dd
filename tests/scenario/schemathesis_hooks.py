"""What schemathesis cannot know of the API; it loads this file by SCHEMATHESIS_HOOKS, with its own Python."""

import time
import urllib.error
import urllib.request

import json

import schemathesis

STORED_SECONDS_MAX = 10


@schemathesis.hook
def filter_query(context, query):
    """Metadata that is no object leaves no trace in an address, so that the server sees nothing wrong."""
    return query is None or all(isinstance(query.get(name, {}), dict) for name in ("metadata", "not.metadata"))


def _is_there(address):
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


@schemathesis.hook
def after_call(context, case, response):
    """A 202 promises that an activity is durable; a worker brings it to where it can be asked for. A request that follows waits for
    that, but not for ever: what never comes is found by the check of what was created."""
    if response.status_code != 202 or case.method != "POST":
        return
    answer = response.json()
    ids = [item["id"] for item in answer.get("results", [answer]) if "id" in item]
    if not ids:
        return  # lines are answered without them
    address = f"{response.request.url.partition('?')[0]}/{ids[-1]}"
    deadline = time.monotonic() + STORED_SECONDS_MAX
    while not _is_there(address) and time.monotonic() < deadline:
        time.sleep(0.005)


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    """A text stands for itself: the document says no more of lines."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()
