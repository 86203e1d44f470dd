"""Plain sockets against the test server: what goes over the wire is what a test says, byte for byte. With HTTP_TEST_TLS set
the same goes through TLS."""

import json
import os
import select
import socket
import subprocess
import time
from dataclasses import dataclass

import tls_wire

SERVER = os.environ.get("HTTP_TEST_SERVER", "build/dev/tests/http/http_test_server")
SLOWNESS = 5 if os.environ.get("USERTRAIL_TEST_SANITIZED") else 1
PATIENCE_SECONDS = 10.0 * SLOWNESS  # nothing here takes as long unless it hangs
WITH_TLS = bool(os.environ.get("HTTP_TEST_TLS"))
HOST = b"Host: test.example\r\n"


@dataclass
class Answer:
    status: int
    fields: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, address, receive_buffer=None, tls=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls_wire.Socket(self.socket, **tls)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a reset instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_what_goes(self, data):
        """The server may have closed already; what it answered counts."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        received = self.socket.recv(1 << 16)
        self.bytes += received
        return bool(received)

    def read_head(self):
        while b"\r\n\r\n" not in self.bytes:
            if not self._more():
                raise EOFError(f"the connection ended in {self.bytes!r}")
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in fields, f"{name} twice"
            fields[name.lower()] = value
        assert lines[0].startswith("HTTP/1.1 "), lines[0]
        return int(lines[0].split(" ")[1]), fields

    def read(self, head=False):
        status, fields = self.read_head()
        if fields.get("transfer-encoding") == "chunked" and not head:
            return Answer(status, fields, b"".join(self.read_chunks()))
        length = 0 if head or status in (100, 204, 304) else int(fields["content-length"])
        received = bytearray(self.bytes)  # grows in place: bodies may be large
        while len(received) < length:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError("the connection ended in a body")
            received += more
        self.bytes = bytes(received[length:])
        return Answer(status, fields, bytes(received[:length]))

    def _take(self, count):
        while len(self.bytes) < count:
            if not self._more():
                raise EOFError("the connection ended in a chunk")
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def read_chunk(self):
        """Empty at the end of the answer."""
        while b"\r\n" not in self.bytes:
            if not self._more():
                raise EOFError("the connection ended before the last chunk")
        line, self.bytes = self.bytes.split(b"\r\n", 1)
        chunk = self._take(int(line, 16))
        assert self._take(2) == b"\r\n"
        return chunk

    def read_chunks(self):
        while chunk := self.read_chunk():
            yield chunk

    def ask(self, data, head=False):
        self.send(data)
        return self.read(head)

    def get(self, target, fields=b""):
        return self.ask(get(target, fields))

    def at_end(self):
        """True when the server has closed in good order and sent nothing more; waits for it."""
        return self.bytes == b"" and not self._more()

    def is_quiet(self, seconds=0.05):
        if isinstance(self.socket, tls_wire.Socket):
            return self.bytes == b"" and self.socket.is_quiet(seconds)
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return self.bytes == b"" and not readable


class Server:
    def __init__(self, **options):
        if WITH_TLS:
            options = {"cert": tls_wire.authority().chain, "key": tls_wire.authority().key, **options}
        self.tls = {} if "cert" in options else None
        arguments = [f"{name}={value}" for name, value in options.items()]
        self.host = options.get("host", "127.0.0.1")
        self.process = subprocess.Popen([SERVER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            self.error = self.process.stderr.read().decode()
            self.code = self.process.wait(PATIENCE_SECONDS)
            raise RuntimeError(self.error)
        self.port = int(line)

    @property
    def address(self):
        return (self.host, self.port)

    def client(self, **options):
        return Client(self.address, **{"tls": self.tls, **options})

    def count(self):
        with self.client() as client:
            return client.get(b"/count", b"Connection: close\r\n").json()

    def wait_until(self, condition):
        ends = time.monotonic() + PATIENCE_SECONDS
        while not condition(self.count()):
            assert time.monotonic() < ends, self.count()
            time.sleep(0.01)

    def terminate(self):
        self.process.terminate()

    def stop(self):
        """Stops in good order: every connection closed, every completion delivered, nothing leaked."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            _, error = self.process.communicate(timeout=PATIENCE_SECONDS * 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, error = self.process.communicate()
            raise AssertionError(f"the server did not stop: {error.decode()}") from None
        assert self.process.returncode == 0, error.decode()


def get(target, fields=b"", version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + HOST + fields + b"\r\n"


def post(target, body, fields=b""):
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n" % len(body) + fields + b"\r\n" + body


def chunked(target, *chunks, fields=b"", trailer=b""):
    text = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return (b"POST " + target + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n" + fields + b"\r\n" + text
            + b"0\r\n" + trailer + b"\r\n")


def is_problem(answer, status):
    """A problem document with the members that every one has."""
    problem = answer.json()
    assert answer.status == status, answer
    assert answer.fields["content-type"] == "application/problem+json"
    assert problem["status"] == status and problem["type"].startswith("/problems/")
    assert problem["title"] and problem["detail"] == problem["message"]
    return True
