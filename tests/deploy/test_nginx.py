"""What nginx is told of API servers, against what they are told there; that it works is shown in tests/distributed/test_400_rolling.py."""

import re

import deployment

CONF = deployment.ROOT / "deploy" / "nginx" / "usertrail.conf"


def values(name):
    return re.findall(rf"\b{name}[ =]([^;\s]+)", re.sub(r"(?m)#.*$", "", CONF.read_text()))


def test_nginx_is_quicker_than_a_server_that_leaves():
    """Guards rolling restarts: idle connections are let go, and a server is asked again, before the next one stops listening; nginx
    counts whole seconds for the latter, so it takes up to one more."""
    delay = deployment.seconds_of(re.search(r"--shutdown-delay (\w+)", CONF.read_text()).group(1))
    assert deployment.defaults()["USERTRAIL_SHUTDOWN_DELAY"] in CONF.read_text()
    assert deployment.seconds_of(values("keepalive_timeout")[0]) < delay
    waits = list(map(deployment.seconds_of, values("fail_timeout")))
    assert len(waits) == 2 and all(seconds + 1 < delay for seconds in waits)


def test_nothing_is_recorded_twice():
    """Guards POSTs: one that was sent may have been recorded, and goes to no other server."""
    assert values("proxy_next_upstream") == ["error"] and "error timeout;" in CONF.read_text()
    assert not any("non_idempotent" in line for line in CONF.read_text().splitlines() if not line.strip().startswith("#"))
