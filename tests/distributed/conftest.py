"""Fixtures of the tests with real servers: one broker and one store for all tests of a file, which kill, pause and cut them.

USERTRAIL_TEST_KAFKA and USERTRAIL_TEST_MONGODB name servers to be used instead, behind a proxy that can cut and stall them. What
only a server of ours can be asked for (to be killed, to have accounts) starts one in any case, and the closing lines say which.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("scenario", "servers", "node")]

import cluster as clusters  # noqa: E402
import service as services  # noqa: E402
from named import mortal, named_or_ours, own_servers  # noqa: E402
from servers import KafkaServer, MongoServer  # noqa: E402

TEST_SECONDS_MAX = 240


def pytest_report_header():
    return [f"{kind.name}: {os.environ.get(kind.variable) or 'one of the tests'}" for kind in (KafkaServer, MongoServer)]


def pytest_terminal_summary(terminalreporter):
    for line in [*pytest_report_header(), *own_servers]:
        terminalreporter.write_line(f"SERVERS {line}")


@pytest.fixture(autouse=True)
def bounded():
    """No test waits for ever, whatever the program does."""
    seconds = TEST_SECONDS_MAX * services.PATIENCE

    def give_up(*_):
        raise TimeoutError(f"the test did not end within {seconds} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="module")
def kafka():
    with named_or_ours(KafkaServer) as server:
        yield server


@pytest.fixture
def mortal_kafka(kafka):
    with mortal(kafka, KafkaServer, "to be killed", proxied=True) as server:
        yield server


@pytest.fixture(scope="module")
def mongodb():
    """In memory, which is quicker; tests that stop it make one with files."""
    with named_or_ours(MongoServer, backend="memory", serves_long=True) as server:
        yield server


@pytest.fixture
def cluster(kafka, mongodb):
    yield from recovering_cluster(kafka, mongodb)


@pytest.fixture
def mortal_cluster(mortal_kafka, mongodb):
    """With a broker that may be killed."""
    yield from recovering_cluster(mortal_kafka, mongodb)


def recovering_cluster(kafka, mongodb):
    """A test that fails while a server is away must not take those behind it along."""
    with clusters.cluster(kafka, mongodb) as one:
        yield one
        for server in (kafka, mongodb):
            server.recover()


@pytest.fixture
def make_local():
    """Services with log and store on the disk, ready; they end with the test."""
    made = []

    def make(*flags):
        made.append(services.Service("--event-log", "local", "--store", "local", *flags))
        return made[-1].start()

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ledger(tmp_path):
    return clusters.Ledger(tmp_path)
