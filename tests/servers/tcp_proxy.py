"""A proxy in front of a server of the tests, which can cut and stall what goes through it."""

import contextlib
import socket
import threading

LOOPBACK = "127.0.0.1"
CHUNK_BYTES_MAX = 65536
CONNECT_SECONDS_MAX = 5


class TcpProxy:
    """Listens at `port` of the loopback from start() or `with` on; the server is at `server_port` of `host`."""

    def __init__(self, server_port, port, host=LOOPBACK):
        self.server = (host, server_port)
        self.port = port
        self._lock = threading.Lock()
        self._listener = None
        self._sockets = set()
        self._asking, self._answering = threading.Event(), threading.Event()
        self._flow(True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def connections(self):
        """How many go through it now."""
        with self._lock:
            return len(self._sockets) // 2

    def start(self):
        listener = socket.create_server((LOOPBACK, self.port), backlog=64)
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self):
        """Ends all connections, drops what was under way, and refuses new ones until resume()."""
        with self._lock:
            listener, self._listener = self._listener, None
            sockets, self._sockets = self._sockets, set()
        if listener:
            # Closing alone would leave the accepting thread, and with it the open port, in accept().
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for one in sockets:
            _end(one)
        self._flow(True)

    def stall(self):
        """Takes connections and bytes, and passes nothing on in either direction until resume()."""
        self._flow(False)

    def hold_answers(self):
        """Passes on what clients send and nothing of what they are answered, until resume(), or cut(), which loses it."""
        self._answering.clear()

    def resume(self):
        self._flow(True)
        if self._listener is None:
            self.start()

    def close(self):
        self.cut()

    def _flow(self, flows):
        for direction in (self._asking, self._answering):
            direction.set() if flows else direction.clear()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(listener, client), daemon=True).start()

    def _connect(self, listener, client):
        try:
            server = socket.create_connection(self.server, CONNECT_SECONDS_MAX)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for one in (client, server):  # before anybody else may close them
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            cut_meanwhile = self._listener is not listener
            if not cut_meanwhile:
                self._sockets |= {client, server}
        if cut_meanwhile:
            _end(client)
            _end(server)
            return
        asked, answered = self._readers()
        for way in ((client, server, asked, self._asking), (server, client, answered, self._answering)):
            threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _readers(self):
        """What makes of the bytes of a new connection those to pass on: from the client, from the server."""
        return bytes, bytes

    def _pass_on(self, source, target, read, flows):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES_MAX):
                flows.wait()
                target.sendall(read(data))
        with self._lock:
            self._sockets -= {source, target}
        _end(source)
        _end(target)


def _end(connection):
    """Wakes the thread that reads from it, too."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
