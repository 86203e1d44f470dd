#!/usr/bin/env python3
"""A real Kafka and a server with MongoDB's protocol, for tests; a module, and a command:

  servers.py fetch                                   brings the jars, which everything else does by itself when it must
  servers.py kafka start|stop, mongodb start|stop    one that stays until it is stopped; start prints its address
  servers.py run [--kafka] [--mongodb] [--long] -- COMMAND…
                                                     one for the time of a command; returns the command's exit code

--long says that the command takes minutes: it pays then to compile MongoDB's stand-in with care, which looks through all it has
for each question.

`run` tells the command the addresses in USERTRAIL_TEST_KAFKA (host:port) and USERTRAIL_TEST_MONGODB (a URI). Where such a
variable is set already, the server it names is used and none is started.
"""

import argparse
import atexit
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jars
import kafka_proxy
from jars import ServerError
from tcp_proxy import LOOPBACK, TcpProxy

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
ANSWER_SECONDS_MAX = 5
LOG_LINES_SHOWN = 40
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xlog:disable", "-Xlog:all=error:stderr"]
QUICK_TO_START = "-XX:TieredStopAtLevel=1"  # and then slower than what was compiled with care

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_given_ports = set()


def die_with_parent():
    """For the child between fork and exec: it ends when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """One that nobody has now and that this process was not given before, below those that the system gives to connecting
    clients: a server that is down for a while must find its port free when it comes back, and a client that connects to its own
    port would even talk to itself."""
    lowest_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    for _ in range(100):
        port = random.SystemRandom().randrange(min(20000, lowest_of_clients // 2), lowest_of_clients)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given_ports:
                _given_ports.add(port)
                return port
    raise ServerError("found no free port")


class Server:
    """One process after the other on one port and one data folder, which close() removes. A server ends with the thread
    that started it, unless it `stays`; then `folder` names its place.

    Proxied, it is reached through `proxy` only, a TcpProxy that can cut and stall its connections.
    """

    foreign = False  # as those of named.py
    name = None  # of its folders
    variable = None  # of the environment, which names the user's own server

    def __init__(self, proxied=False, folder=None, stays=False, java_options=()):
        self.stays = stays
        self.java_options = list(java_options)
        self.folder = Path(folder or tempfile.mkdtemp(prefix=f"usertrail-{self.name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.port = free_port()
        self.proxy = TcpProxy(self.port, free_port()) if proxied else None
        self.process = None
        atexit.register(self._close_unless_it_stays)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # --- life ---

    def start(self):
        """Starts it and waits until it answers."""
        assert self.process is None, "it runs already"
        self.fetch()
        if self.proxy:
            self.proxy.resume()
        try:
            self._prepare()
            self._launch()
            self._wait_for_answer()
        except BaseException:
            self._end()
            raise
        return self

    def stop(self):
        """A clean end."""
        self.resume()
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{self.name} did not stop within {STOP_SECONDS_MAX} s\n{self.log_tail()}") from None
        finally:
            self._end()
        # Java says so when SIGTERM ended it, after all that it does at its end.
        assert code in (0, 128 + signal.SIGTERM), f"{self.name} stopped with {code}\n{self.log_tail()}"

    def kill(self):
        """As if it had crashed."""
        self._end()

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """It keeps its connections and does not answer any more, from when this returns: the signal alone leaves threads that
        run on another CPU some milliseconds, in which they may answer."""
        self.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while self.thread_states() != {"T"}:
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not stopped within {STOP_SECONDS_MAX} s")
            time.sleep(0.001)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def recover(self):
        """Whatever a test left of it that failed on the way: it is there and answers."""
        if self.process is None:
            self.start()
        self.resume()
        if self.proxy:
            self.proxy.resume()

    def forget(self, name):
        """What a test named so goes with the folder."""

    def close(self):
        """Ends whatever is left of it; its folder goes with it."""
        self._end()
        if self.proxy:
            self.proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self._close_unless_it_stays)

    def _close_unless_it_stays(self):
        if not self.stays:
            self.close()

    def _end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    # --- what it is ---

    @property
    def client_port(self):
        return self.proxy.port if self.proxy else self.port

    @property
    def address(self):
        return f"127.0.0.1:{self.client_port}"

    def log_tail(self):
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"--- the end of {self.log}:", *lines[-LOG_LINES_SHOWN:]])

    def answers(self):
        """Whether it answers a question of its protocol, asked without a detour through the proxy; raises OSError or
        ValueError where it does not."""
        raise NotImplementedError

    def thread_states(self):
        """The letters of proc(5)."""
        states = set()
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                states.add((thread / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[0])
        return states

    def _command(self):
        """What Java is to run, after its options."""
        raise NotImplementedError

    def _prepare(self):
        """What comes before each start."""

    # --- its process ---

    @classmethod
    def fetch(cls):
        jars.fetch(cls.name, cls._make_archive)

    @classmethod
    def _make_archive(cls):
        """Writes the classes that a start loads as a file which Java maps the next time. It only saves time: a Java that
        cannot write it, or does not like it later, starts without it."""
        made = jars.archive(cls.name).with_suffix(".new")
        with contextlib.suppress(ServerError, AssertionError), cls._first(made) as server:
            server.stop()
            made.replace(jars.archive(cls.name))

    @classmethod
    @contextlib.contextmanager
    def _first(cls, archive):
        server = cls(java_options=[f"-XX:ArchiveClassesAtExit={archive}"])
        server.fetch = lambda: None
        try:
            yield server.start()
        finally:
            server.close()

    def _java(self, *options):
        archive = jars.archive(self.name)
        options = [*JAVA_OPTIONS, *options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                   "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]
        if archive.is_file():
            options += ["-Xshare:auto", f"-XX:SharedArchiveFile={archive}"]
        return [jars.command("java"), *options, "-cp", jars.class_path(self.name)]

    def _launch(self):
        with open(self.log, "ab") as log:
            # A session of its own keeps Ctrl-C at a terminal from ending it before the tests that use it.
            self.process = subprocess.Popen(self._command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True,
                                            preexec_fn=None if self.stays else die_with_parent)

    def _wait_for_answer(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} ended with {self.process.returncode}\n{self.log_tail()}")
            with contextlib.suppress(OSError, ValueError, struct.error):
                if self.answers():
                    return
            time.sleep(0.02)
        raise ServerError(f"{self.name} did not answer within {START_SECONDS_MAX} s\n{self.log_tail()}")


def exchange(place, request, length_format, length_counts_itself, authority=None):
    """Sends a message of a protocol whose messages begin with their length to a host and port, and returns the answer without
    that; by TLS with the certificate of an authority."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(place, ANSWER_SECONDS_MAX))
        if authority:
            context = ssl.create_default_context(cafile=authority)
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname=place[0]))
        connection.sendall(struct.pack(length_format, len(request) + 4 * length_counts_itself) + request)
        with connection.makefile("rb") as stream:
            length, = struct.unpack(length_format, stream.read(4))
            return stream.read(length - 4 * length_counts_itself)


class KafkaServer(Server):
    """A broker that is its own controller (KRaft). Topics come into being only by being created.

    `address` lets in everybody. `accounts`, passwords by name, add a listener SASL_PLAINTEXT for the mechanism PLAIN,
    `certificates` one SSL, both of them one SASL_SSL; address_of tells theirs, which no proxy stands before.
    """

    name = "kafka"
    variable = "USERTRAIL_TEST_KAFKA"
    CLUSTER_ID = "dXNlcnRyYWlsLXRlc3RzIQ"

    def __init__(self, accounts=None, certificates=None, **options):
        super().__init__(**options)
        self.controller_port = free_port()
        self.properties = self.folder / "server.properties"
        self.accounts = accounts or {}
        self.certificates = certificates
        kinds = {"SASL_PLAINTEXT": accounts, "SSL": certificates, "SASL_SSL": accounts and certificates}
        self.secured_ports = {kind: free_port() for kind, wanted in kinds.items() if wanted}

    def address_of(self, protocol):
        return f"127.0.0.1:{self.secured_ports[protocol]}"

    def answers(self):
        """The broker is named once it takes part."""
        return len(kafka_proxy.brokers_of(exchange((LOOPBACK, self.port), kafka_proxy.METADATA_REQUEST, ">i", False))) == 1

    def _prepare(self):
        if self.properties.exists():
            return
        self.properties.write_text(self._settings(), encoding="ascii")
        with open(self.log, "ab") as log:
            code = subprocess.run([*self._java(QUICK_TO_START, "-Xmx96m"), "kafka.tools.StorageTool", "format", "--standalone",
                                   "-t", self.CLUSTER_ID, "-c", self.properties], stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, timeout=START_SECONDS_MAX, check=False).returncode
        if code != 0:
            raise ServerError(f"Kafka's folder could not be made\n{self.log_tail()}")

    def _command(self):
        return [*self._java(QUICK_TO_START, "-Xms64m", "-Xmx256m", *self.java_options), "kafka.Kafka", str(self.properties)]

    def _secured_settings(self):
        lines = []
        if self.certificates:
            lines += ["ssl.keystore.type=PEM", f"ssl.keystore.location={self.certificates.key_and_chain}"]
        if self.accounts:
            users = "".join(f' user_{name}="{password}"' for name, password in self.accounts.items())
            module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
            lines.append("sasl.enabled.mechanisms=PLAIN")
            lines += [f"listener.name.{kind.lower()}.plain.sasl.jaas.config={module}{users};"
                      for kind in self.secured_ports if kind != "SSL"]
        return "".join(f"{line}\n" for line in lines)

    def _settings(self):
        """One replica of everything, and a session short enough that a broker which was killed serves again in seconds:
        until the old session has ended, the new process is not let in."""
        secured = "".join(f",{kind}://127.0.0.1:{port}" for kind, port in self.secured_ports.items())
        return self._secured_settings() + f"""\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{self.controller_port}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}{secured}
advertised.listeners=PLAINTEXT://{self.address}{secured}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
log.dirs={self.folder}/data
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
"""


class MongoServer(Server):
    """A stand-in for MongoDB (see README.md). backend: "h2" keeps what it has over a stop, "memory" does not. With
    `certificates` it speaks TLS only."""

    name = "mongodb"
    variable = "USERTRAIL_TEST_MONGODB"

    def __init__(self, backend="h2", certificates=None, serves_long=False, **options):
        super().__init__(**options)
        self.backend = backend
        self.serves_long = serves_long
        self.certificates = certificates

    @property
    def address(self):
        return f"mongodb://127.0.0.1:{self.client_port}"

    def answers(self):
        """{ping: 1, $db: "admin"} as OP_MSG; the answer has the same form and says {ok: 1.0}."""
        members = b"\x10ping\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
        document = struct.pack("<i", len(members) + 5) + members + b"\0"
        authority = self.certificates.authority if self.certificates else None
        request = struct.pack("<iii", 1, 0, 2013) + struct.pack("<iB", 0, 0) + document
        return b"\x01ok\0" + struct.pack("<d", 1) in exchange((LOOPBACK, self.port), request, "<i", True, authority)

    def _command(self):
        tls = [str(self.certificates.key), str(self.certificates.chain)] if self.certificates else []
        quick = [] if self.serves_long else [QUICK_TO_START]
        return [*self._java(*quick, "-Xmx256m", *self.java_options), "Store", str(self.port), self.backend, str(self.folder / "data.h2"),
                *tls]


SERVERS = {server.name: server for server in (KafkaServer, MongoServer)}


@contextlib.contextmanager
def available(kind, **options):
    """The address of the user's own server of this kind, or of one that runs meanwhile."""
    if os.environ.get(kind.variable):
        yield os.environ[kind.variable]
    else:
        with kind(**options) as server:
            yield server.address


# --- the command ---


def run(names, command, serves_long):
    """On SIGTERM, too, the servers are ended; after SIGKILL the system ends them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as stack:
        environment = dict(os.environ)
        for name in names:
            options = {"serves_long": serves_long} if name == MongoServer.name else {}
            environment[SERVERS[name].variable] = stack.enter_context(available(SERVERS[name], **options))
        try:
            process = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent)
        except OSError as error:
            raise ServerError(f"{command[0]} could not be started: {error.strerror}") from None
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        return code if code >= 0 else 128 - code


def state_file(name):
    return jars.home(name) / "started.json"


def start_staying(name):
    if running_pid(name):
        raise ServerError(f"{name} was started already; `stop` ends it")
    folder = jars.home(name) / "started"
    shutil.rmtree(folder, ignore_errors=True)
    server = SERVERS[name](folder=folder, stays=True).start()
    state_file(name).write_text(json.dumps({"pid": server.process.pid, "folder": str(folder)}), encoding="utf-8")
    print(f"{server.variable}={server.address}")


def running_pid(name):
    """Of the process that `start` left, if it still is that: its number may have come to another one."""
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(state_file(name).read_text(encoding="utf-8"))
        if os.readlink(f"/proc/{state['pid']}/cwd") == state["folder"]:
            return state["pid"]
    return None


def stop_staying(name):
    pid = running_pid(name)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while running_pid(name) and time.monotonic() < deadline:
            time.sleep(0.05)
        if running_pid(name):
            os.kill(pid, signal.SIGKILL)
    state_file(name).unlink(missing_ok=True)
    shutil.rmtree(jars.home(name) / "started", ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch")
    for name in SERVERS:
        commands.add_parser(name).add_argument("action", choices=["start", "stop"])
    runner = commands.add_parser("run")
    for name in SERVERS:
        runner.add_argument(f"--{name}", action="append_const", dest="servers", const=name)
    runner.add_argument("--long", action="store_true")
    runner.add_argument("program", nargs="+")
    chosen = parser.parse_args()
    try:
        if chosen.command == "run":
            return run(chosen.servers or [], chosen.program, chosen.long)
        if chosen.command == "fetch":
            for server in SERVERS.values():
                server.fetch()
        elif chosen.action == "start":
            start_staying(chosen.command)
        else:
            stop_staying(chosen.command)
    except ServerError as error:
        print(f"servers.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
