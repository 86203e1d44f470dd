"""Fixtures of the tests with real servers: one broker and one store for all tests of a file, which kill, pause and cut them."""

import signal
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "scenario"), str(HERE.parent / "servers")]

import cluster as clusters  # noqa: E402
import service as services  # noqa: E402
from servers import KafkaServer, MongoServer  # noqa: E402

TEST_SECONDS_MAX = 240


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
    with KafkaServer(proxied=True) as server:
        yield server


@pytest.fixture(scope="module")
def mongodb():
    """In memory, which is quicker; tests that stop it make one with files."""
    with MongoServer(backend="memory", proxied=True) as server:
        yield server


@pytest.fixture
def cluster(kafka, mongodb):
    """A test that fails while a server is away must not take those behind it along."""
    with clusters.cluster(kafka, mongodb) as one:
        yield one
        for server in (kafka, mongodb):
            if server.process is None:
                server.start()
            server.resume()
            if server.proxy:
                server.proxy.resume()


@pytest.fixture
def ledger(tmp_path):
    return clusters.Ledger(tmp_path)
