import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import http_wire  # noqa: E402


@pytest.fixture
def start():
    """Starts servers with options of the test server; each must end in good order with the test."""
    servers = []

    def start_server(**options):
        server = http_wire.Server(**options)
        servers.append(server)
        return server

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def shared():
    """One server with ordinary limits for the tests of a file that need no other."""
    server = http_wire.Server()
    yield server
    server.stop()
