"""A tiny stand-in for the service, in memory, that can do wrong on purpose.

The ledger's check is only worth something if it is seen to find every kind of wrong, so each fault
here is one that a real service could have. Standard library only; one thread per connection.

    stand_in_server.py [--fault NAME] [--every N] [--die-after N]

prints "listening PORT" and serves until its standard input ends.
"""

import argparse
import base64
import collections
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse
import uuid

FAULTS = (
    "none",
    "lose",  # answer 202 and forget the activity
    "double",  # store it twice
    "alter-metadata",  # another number in the metadata
    "alter-number-text",  # 12.50 becomes 12.5
    "alter-action",
    "alter-user",  # the row shows another user, yet is listed under the right one
    "alter-timestamp",
    "swap-members",  # the metadata's members in another order
    "rename",  # store it under another id than the 202 named
    "reorder",  # swap the time of two that follow each other
    "invent",  # store one that was never sent
    "reject-but-store",  # answer 400 and store it all the same
    "late",  # store it a second after the 202
    "busy",  # answer 503 with Retry-After and store nothing
    "drop",  # store it, then close the connection without an answer
    "wrong-id",  # the 202 names another id
    "short-results",  # the answer to a batch leaves one out
)


class Store:
    def __init__(self, fault, every, die_after):
        self.fault = fault
        self.every = every
        self.die_after = die_after
        self.lock = threading.Lock()
        self.rows = []
        self.taken = 0
        self.arrivals = 0
        self.found = {}
        self.shown_fields = collections.Counter()  # what requests had of X fields and keys, told at /fields

    def note_fields(self, method, fields):
        shown = [value for name, value in fields if name.startswith(("X-", "Authorization"))]
        with self.lock:
            self.shown_fields[" ".join([method, *shown])] += 1

    def is_faulty(self):
        """Every Nth activity is treated badly. Called with the lock held."""
        self.taken += 1
        return self.fault != "none" and self.taken % self.every == 0

    def take(self, activity):
        """Returns (status, id) of the answer."""
        with self.lock:
            faulty = self.is_faulty()
            if self.die_after and self.taken > self.die_after:
                os._exit(9)
            self.arrivals += 1
            row = {
                "id": activity.get("id") or str(uuid.UUID(int=self.arrivals)),
                "userId": activity["userId"],
                "action": activity["action"],
                "timestamp": activity.get("timestamp") or timestamp_of(self.arrivals),
                "metadata": activity.get("metadata", {}),
                "listed": activity["userId"],
            }
            if not faulty:
                self.rows.append(row)
                return 202, row["id"]
            return self.take_badly(row)

    def take_badly(self, row):
        promised = row["id"]
        status = 202
        copies = [row]
        if self.fault == "lose":
            copies = []
        elif self.fault == "double":
            copies = [row, row]
        elif self.fault == "alter-metadata":
            row["metadata"]["durationMs"] = Number("424242")
        elif self.fault == "alter-number-text":
            row["metadata"]["durationMs"] = Number(str(row["metadata"]["durationMs"]) + ".0")
        elif self.fault == "alter-action":
            row["action"] += "X"
        elif self.fault == "alter-user":
            row["userId"] += "0"
        elif self.fault == "alter-timestamp":
            row["timestamp"] = "2001" + row["timestamp"][4:]
        elif self.fault == "swap-members":
            row["metadata"] = dict(reversed(row["metadata"].items()))
        elif self.fault == "rename":
            row["id"] = "renamed-" + promised
        elif self.fault == "reorder" and self.rows:
            before = self.rows[-1]
            before["timestamp"], row["timestamp"] = row["timestamp"], before["timestamp"]
            before["id"], row["id"] = (
                (row["id"], before["id"]) if before["timestamp"] == row["timestamp"]
                else (before["id"], row["id"])
            )
        elif self.fault == "invent":
            copies = [row, invented(row)]
        elif self.fault == "reject-but-store":
            status = 400
        elif self.fault == "late":
            copies = []
            threading.Timer(1.0, self.store_late, [row]).start()
        elif self.fault == "busy":
            status, copies = 503, []
        elif self.fault == "drop":
            status = 0
        elif self.fault == "wrong-id":
            promised = "somebody-else"
        elif self.fault == "short-results":
            status = -1
        self.rows.extend(copies)
        return status, promised

    def store_late(self, row):
        with self.lock:
            self.rows.append(row)

    def find(self, query):
        """All that match, sorted. Kept until something is stored, for the pages that follow."""
        asked = (query.get("userId"), query.get("order"), len(self.rows))
        if asked not in self.found:
            with self.lock:
                rows = [row for row in self.rows if asked[0] in (None, row["listed"])]
            rows.sort(key=lambda row: (row["timestamp"], row["id"]), reverse=asked[1] != "asc")
            self.found = {asked: rows}
        return self.found[asked]


class Number(str):
    """The text of a JSON number, kept as it was sent."""


def timestamp_of(arrival):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1700000000 + arrival // 1000)) + (
        ".%03dZ" % (arrival % 1000)
    )


def invented(row):
    """The same row as if a later one of the run, which nobody sent."""
    text = json.dumps({name: row[name] for name in ("id", "metadata")}, default=str)
    text = re.sub(r"-(\d{4})-(\d{10})", lambda found: "-%s-9%s" % (found[1], found[2][1:]), text)
    return {**row, **json.loads(text)}


def write_json(value):
    """json.dumps that leaves the text of numbers alone."""
    if isinstance(value, Number):
        return str.__str__(value)
    if isinstance(value, dict):
        members = (json.dumps(name) + ":" + write_json(value[name]) for name in value)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    store = None
    chunked = False

    def log_message(self, *arguments):
        pass

    def answer(self, status, value):
        body = write_json(value).encode()
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        if self.chunked and self.command == "GET":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 777):
                part = body[start : start + 777]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.store.note_fields("POST", self.headers.items())
        sent = json.loads(body, parse_int=Number, parse_float=Number)
        if isinstance(sent, list):
            self.answer_batch([self.store.take(activity) for activity in sent])
            return
        status, identity = self.store.take(sent)
        if status == 0:
            self.close_connection = True
        elif status == 202:
            self.answer(202, {"status": "success", "message": "Log queued successfully",
                              "id": identity, "durability": "memory", "receipt": "none"})
        else:
            self.answer(status, {"title": "on purpose", "status": Number(status)})

    def answer_batch(self, verdicts):
        results = []
        for index, (status, identity) in enumerate(verdicts):
            if status == 202:
                results.append({"index": Number(index), "id": identity})
            elif status > 0:
                results.append({"index": Number(index), "error": {"status": Number(status)}})
        accepted = sum("id" in result for result in results)
        self.answer(202, {"status": "success", "accepted": Number(accepted),
                          "rejected": Number(len(results) - accepted), "durability": "memory",
                          "receipt": "none", "results": results})

    def do_GET(self):
        target = urllib.parse.urlsplit(self.path)
        if target.path == "/fields":
            self.answer(200, {text: Number(count) for text, count in self.store.shown_fields.items()})
            return
        self.store.note_fields("GET", self.headers.items())
        query = dict(urllib.parse.parse_qsl(target.query))
        rows = self.store.find(query)
        name = target.path.rsplit("/", 1)[1]
        if name != "activities":
            found = [row for row in rows if row["id"] == name]
            self.answer(200 if found else 404, shown(found[0]) if found else {"status": Number(404)})
            return
        start = 0
        if "cursor" in query:
            start = int(base64.urlsafe_b64decode(query["cursor"]))
        end = start + int(query.get("limit", 10))
        cursor = base64.urlsafe_b64encode(b"%d" % end).decode() if end < len(rows) else None
        page = [shown(row) for row in rows[start:end]]
        self.answer(200, {"status": "success", "results": Number(len(page)), "page": Number(1),
                          "data": page, "nextCursor": cursor})


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients are killed on purpose, so a broken connection is nothing to speak of."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def shown(row):
    return {name: row[name] for name in ("id", "userId", "action", "timestamp", "metadata")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--chunked", action="store_true")
    options = parser.parse_args()
    Handler.store = Store(options.fault, options.every, options.die_after)
    Handler.chunked = options.chunked
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
