"""One address, one server: SO_REUSEPORT is how its loops share it, not a way in for a second one."""

import socket
import subprocess

import pytest
from http_wire import PATIENCE_SECONDS, SERVER, Server, get


def refused(**options):
    with pytest.raises(RuntimeError, match="address in use"):
        Server(**options)
    return True


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.parametrize("loops", [1, 2, 8])
def test_second_server_is_refused(start, loops):
    server = start(loops=loops)
    assert refused(port=server.port, loops=loops)
    assert refused(port=server.port, loops=3 - min(loops, 2))
    with server.client() as client:
        assert client.get(b"/echo").status == 200


def test_wildcard_and_specific_exclude_each_other(start):
    specific = start()
    assert refused(host="0.0.0.0", port=specific.port)
    wildcard = start(host="0.0.0.0")
    assert refused(host="127.0.0.1", port=wildcard.port)
    assert refused(host="127.0.0.2", port=wildcard.port)


def test_other_addresses_are_free(start):
    server = start()
    other = start(host="127.0.0.2", port=server.port)
    with server.client() as one, other.client() as two:
        assert one.get(b"/echo").status == two.get(b"/echo").status == 200


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6(start):
    server = start(host="::1")
    with server.client() as client:
        assert client.get(b"/echo").status == 200
    assert refused(host="::1", port=server.port)
    assert refused(host="::", port=server.port)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_wildcard_takes_ipv4_too(start):
    server = start(host="::")
    assert refused(host="127.0.0.1", port=server.port)
    assert refused(host="0.0.0.0", port=server.port)


def test_any_port_differs(start):
    assert start().port != start().port


def test_restart_on_the_same_port_with_time_wait_around():
    """The side that closes first keeps the port in TIME_WAIT: here the server, which closes behind its answers."""
    server = Server()
    port = server.port
    for _ in range(5):
        for _ in range(20):
            with server.client() as client:
                assert client.get(b"/close").body == b"bye" and client.at_end()
        held = server.client()
        assert held.get(b"/echo").status == 200
        server.stop()
        server = Server(port=port)
        assert refused(port=port)
        held.close()
    server.stop()


def test_restart_after_kill_with_connections_open():
    server = Server()
    clients = [server.client() for _ in range(20)]
    for client in clients:
        client.send(get(b"/never"))
    server.process.kill()
    server.process.wait()
    server.process.stdout.close()
    server.process.stderr.close()
    again = Server(port=server.port)
    with again.client() as client:
        assert client.get(b"/echo").status == 200
    for client in clients:
        client.close()
    again.stop()


@pytest.mark.parametrize("time_wait", [False, True])
def test_of_servers_started_at_the_same_time_one_wins(time_wait):
    first = Server()
    if time_wait:
        for _ in range(20):
            with first.client() as client:
                assert client.get(b"/close").body == b"bye" and client.at_end()
    first.stop()
    for _ in range(10):
        processes = [subprocess.Popen([SERVER, f"port={first.port}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                     for _ in range(4)]
        lines = [process.stdout.readline() for process in processes]
        assert sum(bool(line) for line in lines) == 1
        for process in processes:
            process.terminate()
        codes = sorted(process.wait(PATIENCE_SECONDS) for process in processes)
        assert codes == [0, 1, 1, 1]
        for process in processes:
            process.stdout.close()


def test_wrong_addresses():
    for host in ("localhost", "127.0.0.1.2", "", "::1%lo", "fe80::zz"):
        with pytest.raises(RuntimeError, match="invalid: .*not a numeric"):
            Server(host=host)
    with pytest.raises(RuntimeError, match="unavailable: "):
        Server(host="192.0.2.1")


def test_connections_spread_over_the_loops(start):
    """The kernel's hash may put a few connections on one loop; the loops even that out among themselves."""
    server = start(loops=4)
    clients = [server.client() for _ in range(40)]
    for client in clients:
        client.send(get(b"/loop"))
    counts = {}
    for client in clients:
        loop = client.read().body
        counts[loop] = counts.get(loop, 0) + 1
        client.close()
    assert len(counts) == 4 and max(counts.values()) - min(counts.values()) <= 5, counts
