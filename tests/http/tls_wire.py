"""TLS for the clients of http_wire: a socket that looks like a plain one, and certificates that are made once a run."""

import atexit
import functools
import random
import select
import shutil
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))

import certificates  # noqa: E402


@functools.cache
def authority():
    """Certificates of this run: `chain` and `key` are the server's."""
    folder = Path(tempfile.mkdtemp(prefix="usertrail-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return certificates.Certificates(folder / "first")


def context(version=None, trusted=None):
    """A client's, which trusts the authority of this run alone."""
    made = ssl.create_default_context(cafile=str(trusted or authority().authority))
    made.check_hostname = False
    made.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # an end that nobody announced is an error
    if version:
        made.minimum_version = made.maximum_version = version
    return made


class Socket:
    """A TLS client over a connected socket. It may be read and written from two threads, its write side can be shut down, and
    `cuts` (a random.Random) has what it sends go out in pieces of any size."""

    def __init__(self, raw, client_context=None, cuts=None, session=None):
        self.raw, self.cuts = raw, cuts
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        made = client_context or context()
        self.tls = made.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1", session=session)
        self.lock, self.sending = threading.Lock(), threading.Lock()
        self.seen = b""  # read already, and not given
        self.shake_hands()
        if self.tls.version() == "TLSv1.3":  # its tickets, so that only answers make the socket readable
            self._take()

    def shake_hands(self):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                if not self._take():
                    raise EOFError("the connection ended in the handshake") from None
            except ssl.SSLError:
                self._flush()
                raise
        self._flush()

    def _take(self):
        received = self.raw.recv(1 << 16)
        with self.lock:
            if received:
                self.incoming.write(received)
            else:
                self.incoming.write_eof()
        return bool(received)

    def _flush_unless_another_does(self):
        """Who reads does not wait for who writes, which may be waiting for the reader."""
        if self.outgoing.pending and not self.sending.locked():
            self._flush()

    def _flush(self):
        with self.sending:
            with self.lock:
                wire = self.outgoing.read()
            while wire and self.cuts:
                piece = self.cuts.choice((1, 2, 5, 6, 100, 1000, 20000))
                self.raw.sendall(wire[:piece])
                wire = wire[piece:]
            if wire:
                self.raw.sendall(wire)

    def fileno(self):
        return self.raw.fileno()

    def settimeout(self, seconds):
        self.raw.settimeout(seconds)

    def setblocking(self, blocking):
        self.raw.setblocking(blocking)

    def setsockopt(self, *arguments):
        self.raw.setsockopt(*arguments)

    def sendall(self, data):
        for start in range(0, len(data), 1 << 16):
            with self.lock:
                self.tls.write(data[start:start + (1 << 16)])
            self._flush()

    def send(self, data):
        """Encrypts no more than one record, which then goes out as a whole."""
        with self.lock:
            sent = self.tls.write(data[:16384])
        wire = self.outgoing.read()
        blocking = self.raw.gettimeout()
        try:
            went = self.raw.send(wire)
            self.raw.settimeout(10)
            self.raw.sendall(wire[went:])
        finally:
            self.raw.settimeout(blocking)
        return sent

    def read_some(self, count):
        """None while what came does not make a record; empty at an end that was announced."""
        with self.lock:
            try:
                return self.tls.read(count)
            except ssl.SSLWantReadError:
                return None
            except ssl.SSLZeroReturnError:
                return b""

    def recv(self, count):
        if self.seen:
            received, self.seen = self.seen, b""
            return received
        while (received := self.read_some(count)) is None:
            self._flush_unless_another_does()
            self._take()
        return received

    def is_quiet(self, seconds):
        received = self.seen or None
        while received is None and (received := self.read_some(1)) is None and select.select([self.raw], [], [], seconds)[0]:
            self._take()
        self.seen = received or b""
        return received is None

    def shutdown(self, _how):
        with self.lock:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
        self._flush()
        self.raw.shutdown(socket.SHUT_WR)

    def close(self):
        self.raw.close()


def cut_randomly(seed):
    return random.Random(seed)
