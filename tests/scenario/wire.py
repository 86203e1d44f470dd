"""HTTP/1.1 as bytes: a client that sends exactly what a test says and reads answers strictly.

The clients of the standard library repair, reorder and hide too much for tests of framing, and hide what a server sent
beside the answer. One thread at a time for each connection.
"""

import json
import re
import socket
import time
from dataclasses import dataclass, field

import openapi

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\x20-\x7e]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")


class Closed(Exception):
    """The server closed the connection where an answer was due."""


@dataclass
class Answer:
    status: int
    headers: list = field(default_factory=list)  # (lower-case name, value)
    body: bytes = b""

    def header(self, name):
        """The only field of this name; None when there is none."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, f"{name} stands {len(values)} times in {self.headers}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.text)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


class Connection:
    """One TCP connection to a service. `timeout` bounds every single read and write."""

    def __init__(self, port, timeout=20.0, host="127.0.0.1", tls=None):
        self.authority = f"{host}:{port}"
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self.buffered = b""

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.close()

    def close(self):
        self.socket.close()

    def shrink(self):
        """From now on the system keeps little of what was not read yet."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)

    def send(self, data):
        self.socket.sendall(data)

    def head(self, method, target, headers=()):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"

    def encode(self, method, target, body=None, headers=()):
        """The bytes of one whole request. A body that is not bytes is written as JSON."""
        headers = list(headers)
        if body is None:
            return self.head(method, target, headers)
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        names = {name.lower() for name, _ in headers}
        if "content-type" not in names:
            headers.append(("Content-Type", "application/json"))
        if not names & {"content-length", "transfer-encoding"}:
            headers.append(("Content-Length", len(body)))
        return self.head(method, target, headers) + body

    def request(self, method, target, body=None, headers=()):
        """One request and its answer, which must be one that the document of the API describes."""
        self.send(self.encode(method, target, body, headers))
        answer = self.read_answer(method)
        openapi.check(method, target, answer)
        return answer

    def get(self, target, headers=()):
        return self.request("GET", target, headers=headers)

    def post(self, target, body, headers=()):
        return self.request("POST", target, body, headers)

    def read_answer(self, method="GET", interim=False):
        """The next answer; with `interim` also one of 1xx, which are skipped otherwise."""
        while True:
            answer = self._read_head()
            if answer.status >= 200:
                self._read_body(answer, method)
                return answer
            if interim:
                return answer

    def read_to_end(self):
        """Everything until the server closes; a reset counts as an end."""
        try:
            while self._fill():
                pass
        except ConnectionResetError:
            pass
        rest, self.buffered = self.buffered, b""
        return rest

    def read_answers_to_end(self):
        """All answers until the server closes; what is cut off or no answer fails."""
        answers = []
        while True:
            try:
                answers.append(self.read_answer())
            except Closed:
                return answers

    def is_closed_by_server(self):
        return self.read_to_end() == b""

    def _fill(self):
        data = self.socket.recv(262144)
        self.buffered += data
        return bool(data)

    def _take_line(self):
        while b"\n" not in self.buffered:
            try:
                more = self._fill()
            except ConnectionResetError as problem:
                raise Closed(f"reset with {self.buffered!r} unread") from problem
            if not more:
                assert self.buffered == b"", f"cut off: {self.buffered!r}"
                raise Closed("closed")
        line, _, self.buffered = self.buffered.partition(b"\n")
        assert line.endswith(b"\r"), f"a line without CR: {line!r}"
        return line[:-1]

    def _read_head(self):
        line = self._take_line()
        match = STATUS_LINE.fullmatch(line)
        assert match, f"no status line: {line!r}"
        answer = Answer(int(match.group(1)))
        while line := self._take_line():
            match = FIELD_LINE.fullmatch(line)
            assert match, f"no header field: {line!r}"
            answer.headers.append((match.group(1).decode().lower(), match.group(2).decode("latin-1")))
        return answer

    def _read_body(self, answer, method="GET"):
        length = answer.header("content-length")
        if answer.header("transfer-encoding") is not None:
            assert (answer.header("transfer-encoding"), length) == ("chunked", None), answer
            answer.body = b"" if method == "HEAD" else b"".join(self.chunks())
            return
        if answer.status in (204, 304):
            assert length in (None, "0"), f"{answer.status} with a body"
            return
        assert length is not None and length.isdigit(), f"Content-Length: {length}"
        if method == "HEAD":
            return
        while len(self.buffered) < int(length):
            assert self._fill(), f"the body is cut off: {self.buffered!r}"
        answer.body, self.buffered = self.buffered[:int(length)], self.buffered[int(length):]

    def chunks(self):
        """The body of an answer that comes in pieces, which must end in good order."""
        while chunk := self.take_chunk():
            yield chunk

    def take_chunk(self):
        """Empty at the end."""
        size = int(self._take_line(), 16)
        while len(self.buffered) < size + 2:
            assert self._fill(), f"the chunk is cut off: {self.buffered!r}"
        chunk, end, self.buffered = self.buffered[:size], self.buffered[size:size + 2], self.buffered[size + 2:]
        assert end == b"\r\n", end
        return chunk


def chunk(data):
    """One piece of a body that is sent in chunks; an empty one ends the body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def wait_until(condition, what, timeout=20.0, pause=0.01):
    """Asks again and again; returns the first true value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"after {timeout} s still not: {what}"
        time.sleep(pause)
    return value
