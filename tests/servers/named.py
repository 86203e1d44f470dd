"""Servers that the user names, for tests: they are not ours to end, but behind a proxy they can seem away."""

import contextlib
import os
import re
import subprocess
import time

from clients import KafkaClient, mongo_command
from jars import ServerError
from kafka_proxy import METADATA_REQUEST, KafkaProxy, brokers_of
from servers import KafkaServer, MongoServer, exchange, free_port
from tcp_proxy import TcpProxy

KILL_VARIABLE = "USERTRAIL_TEST_MONGODB_KILL"
KILL_SECONDS_MAX = 120
UNKNOWN_TOPIC, UNKNOWN_GROUP = 3, 69  # answers of Kafka
PASSING = (14, 15, 16, 68)  # the coordinator is not there yet, or the group not empty
SESSION_SECONDS_MAX = 60  # until members of a group that were killed are gone


class NamedServer:
    """What Server is, as far as it can be for another's. Tests that do more start one of their own by own_server()."""

    foreign = True
    proxy = None

    def __enter__(self):
        self.proxy.resume()
        return self

    def __exit__(self, *_):
        self.close()

    def pause(self):
        """As far as clients can tell."""
        self.proxy.stall()

    def resume(self):
        self.proxy.resume()

    def recover(self):
        self.proxy.resume()

    def close(self):
        """Nothing of ours stays there."""
        self.proxy.resume()
        try:
            self._remove_what_is_ours()
        finally:
            self.proxy.close()


class NamedKafka(NamedServer):
    def __init__(self, address):
        found = re.fullmatch(r"([^,]+):(\d+)(,.*)?", address)
        if not found:
            raise ServerError(f"{KafkaServer.variable} is to be HOST:PORT,…, not {address}")
        brokers = brokers_of(exchange((found.group(1), int(found.group(2))), METADATA_REQUEST, ">i", False))
        self.proxy = KafkaProxy(brokers, [free_port() for _ in brokers])
        self.address = self.proxy.address
        self.ours = []

    def forget(self, name):
        """Later: a group of workers that were killed cannot be deleted until their session has ended."""
        self.ours.append(name)

    def _remove_what_is_ours(self):
        for name in self.ours:
            for topic in (name, f"{name}.refused"):
                with KafkaClient(self.address, topic) as client:
                    _expect(client.try_delete_topic(), (0, UNKNOWN_TOPIC), f"deleting the topic {topic}")
        for name in self.ours:
            group = f"{name}-workers"
            with KafkaClient(self.address, name) as client:
                deadline = time.monotonic() + SESSION_SECONDS_MAX
                while (error := client.try_delete_group(group)) in PASSING and time.monotonic() < deadline:
                    time.sleep(0.5)
                _expect(error, (0, UNKNOWN_GROUP), f"deleting the group {group}")


def _expect(error, allowed, what):
    if error not in allowed:
        raise ServerError(f"{what} ended with error {error} of Kafka")


class NamedMongo(NamedServer):
    def __init__(self, address):
        found = re.fullmatch(r"mongodb://([^:/?,@]+)(?::(\d+))?/?", address)
        if not found:
            raise ServerError(f"{MongoServer.variable} is to be mongodb://HOST:PORT, not {address}")
        self.proxy = TcpProxy(int(found.group(2) or 27017), free_port(), found.group(1))
        self.address = f"mongodb://127.0.0.1:{self.proxy.port}"
        self.kill_command = os.environ.get(KILL_VARIABLE)
        self.ours = []

    def forget(self, name):
        self.ours.append(name)

    def _remove_what_is_ours(self):
        for name in self.ours:
            mongo_command(self.address, {"dropDatabase": 1}, name)

    def kill_and_start(self):
        subprocess.run(self.kill_command, shell=True, check=True, timeout=KILL_SECONDS_MAX, stdin=subprocess.DEVNULL)


NAMED = {KafkaServer: NamedKafka, MongoServer: NamedMongo}


def named_or_ours(kind, **options):
    """To be used in a `with`: the user's server of this kind, or where none is named one of ours, both behind a proxy."""
    address = os.environ.get(kind.variable)
    return NAMED[kind](address) if address else kind(proxied=True, **options)


own_servers = []  # what own_server() was called for, where the user had named one


def own_server(kind, why, **options):
    """For what nobody may do to another's server, or cannot ask of it: one of ours in any case, and a line that says why."""
    if os.environ.get(kind.variable):
        user = os.environ.get("PYTEST_CURRENT_TEST", "::this run").split("::")[-1].removesuffix(" (setup)").removesuffix(" (call)")
        own_servers.append(f"{user} has a {kind.name} of its own, {why}")
    return kind(**options)


@contextlib.contextmanager
def mortal(server, kind, why, **options):
    """The server itself where it is ours to end, another one where it is not."""
    if server.foreign:
        with own_server(kind, why, **options) as other:
            yield other
    else:
        yield server
