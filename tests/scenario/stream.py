"""A client of a stream of Server-Sent Events, which reads as the HTML standard says and believes nothing else."""

import collections
import contextlib
import json
import re
import threading
import time
from dataclasses import dataclass

import service as services
import wire

PATH = f"{services.COLLECTION}/stream"
ID = re.compile(r"t[A-Za-z0-9_-]+")
LIMIT_SECONDS = 20


@dataclass
class Event:
    kind: str
    data: object
    last_id: str  # that a browser would send now


class Stream:
    """One stream, open when it is made."""

    def __init__(self, service, query="", last_id=None, timeout=LIMIT_SECONDS, small=False, headers=()):
        self.connection = service.connect(timeout)
        if small:
            self.connection.shrink()
        headers = [("Accept", "text/event-stream"), *headers] + ([("Last-Event-ID", last_id)] if last_id is not None else [])
        self.connection.send(self.connection.head("GET", PATH + query, headers))
        self.answer = self.connection._read_head()
        self.text = b""
        self.ended = False
        self.last_id = last_id
        self.beats = 0
        if self.answer.status != 200:
            self.connection._read_body(self.answer)
            return
        assert self.answer.header("content-type") == "text/event-stream", self.answer
        assert self.answer.header("cache-control") == "no-store" and self.answer.header("x-accel-buffering") == "no"
        assert self.answer.header("transfer-encoding") == "chunked"

    def close(self):
        self.connection.close()

    def _block(self):
        """The lines up to the next empty one; None at the end."""
        while b"\n\n" not in self.text:
            chunk = self.connection.take_chunk()
            if not chunk:
                self.ended = True
                assert self.text == b"", f"cut off within an event: {self.text!r}"
                return None
            self.text += chunk
        block, _, self.text = self.text.partition(b"\n\n")
        return block.decode("utf-8").split("\n")

    def step(self):
        """The event of the next block, if it makes one; None at the end or without one."""
        lines = self._block()
        fields = {}
        for line in lines or ():
            name, _, value = line.partition(": ")
            assert name in ("", "id", "event", "data", "retry") and name not in fields, lines
            fields[name] = value
        self.beats += fields.get("") == "heartbeat"
        if "id" in fields:
            assert ID.fullmatch(fields["id"]), fields
            self.last_id = fields["id"]
        if "data" not in fields:
            assert "event" not in fields
            return None
        assert fields["event"] in ("activity", "gap") and ("id" in fields) == (fields["event"] == "activity"), fields
        return Event(fields["event"], json.loads(fields["data"]), self.last_id)

    def next(self):
        """The next event; None at the end."""
        while not self.ended:
            event = self.step()
            if event is not None:
                return event
        return None

    def take(self, count):
        """So many activities, and nothing else."""
        events = [self.next() for _ in range(count)]
        assert all(event is not None and event.kind == "activity" for event in events), events
        return [event.data for event in events]

    def until(self, wanted):
        """Ids of activities up to and with one, which must be all that comes."""
        found = []
        while not found or found[-1] != wanted:
            found += [row["id"] for row in self.take(1)]
        return found


@contextlib.contextmanager
def following(service, query="", last_id=None, **options):
    one = Stream(service, query, last_id, **options)
    try:
        assert one.answer.status == 200, one.answer
        yield one
    finally:
        one.close()


class Follower:
    """A client that reads in the background and comes back whenever it loses its stream, as a browser does. What it had, in the
    order in which it came, is in `rows` and `gaps`."""

    def __init__(self, service, query="", last_id=None):
        self.service, self.query = service, query
        self.rows, self.gaps, self.connections = [], [], 0
        self.last_id = last_id
        self.stopping = False
        self.problem = None
        self.opened = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.opened.wait(LIMIT_SECONDS)

    def _follow(self):
        stream = Stream(self.service, self.query, self.last_id, timeout=1.0)
        try:
            if stream.answer.status != 200:
                assert stream.answer.status == 503, stream.answer
                return
            self.connections += 1
            while not self.stopping and not stream.ended:
                event = stream.step()
                self.last_id = stream.last_id
                if self.last_id is not None:
                    self.opened.set()
                if event is not None:
                    (self.rows if event.kind == "activity" else self.gaps).append(event.data)
        finally:
            stream.close()

    def _run(self):
        while not self.stopping:
            try:
                self._follow()
            except (wire.Closed, OSError, TypeError):
                pass  # a port of nobody, a reset, or silence
            except AssertionError as problem:
                if "cut off" not in str(problem):  # by a kill
                    self.problem = problem
                    return
            time.sleep(0.02)

    def finish(self, ids, timeout=20):
        """Waits until the last of the ids is there; the ids of what came."""
        deadline = time.monotonic() + timeout * services.PATIENCE
        while len(self.rows) < len(ids) and time.monotonic() < deadline:
            assert self.problem is None, self.problem
            time.sleep(0.02)
        time.sleep(0.3)  # for what comes twice
        self.stopping = True
        self.thread.join(LIMIT_SECONDS)
        return [row["id"] for row in self.rows]


def check_ledger(recorded, seen):
    """`recorded`: user -> ids that were acknowledged, in their order. Each came once, those of one user in that order."""
    twice = sorted(one for one, times in collections.Counter(seen).items() if times > 1)
    assert not twice, f"{len(twice)} came twice, such as {twice[:3]}"
    place = {one: index for index, one in enumerate(seen)}
    for user, ids in recorded.items():
        missing = [one for one in ids if one not in place]
        assert not missing, f"{len(missing)} of {len(ids)} of {user} are missing, such as {missing[:3]}"
        order = [place[one] for one in ids]
        assert order == sorted(order), f"those of {user} are not in the order in which they were recorded"
