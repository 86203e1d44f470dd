"""One API server after the other is restarted behind nginx, under load: no request fails, and nothing is recorded twice."""

import threading

import pytest

import service as services
import wire
from cluster import wait_for_lag
from front import DELAY_FLAGS, PROGRAM, front, was_tried_again

RESTARTS = 5

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed (nginx-light)")


class Reader:
    """Asks through nginx all the time, over connections that last, as dashboards do."""

    def __init__(self, port):
        self.port, self.answers, self.failures = port, 0, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            with wire.Connection(self.port, 30 * services.PATIENCE) as connection:
                while not self.stopping.wait(0.01):
                    answer = connection.get("/api/v1/activities?limit=1")
                    if answer.status != 200:
                        self.failures.append(str(answer))
                    self.answers += 1
        except (wire.Closed, OSError) as failure:
            self.failures.append(repr(failure))

    def end(self):
        self.stopping.set()
        self.thread.join()
        assert not self.failures and self.answers > 0, (self.answers, self.failures[:5])


def roll(apis, restarts):
    """Restarts the servers in turn, each when the one before is ready again."""
    for number in range(restarts):
        apis[number % len(apis)].restart()


def expect_no_failure(one, figures):
    assert figures["acknowledged"] > 0, figures
    assert figures["refused"] == figures["unknown"] == figures["rejected"] == figures["connectionsBroken"] == 0, figures
    assert set(figures["statuses"]) == {"202"}, figures
    failed = [request for request in one.requests() if request["status"] >= 400]
    assert not failed, (failed[:5], one.errors()[-2000:])


def test_rolling_restarts(cluster, ledger):
    """Guards an upgrade of API servers one by one: five restarts under POSTs and under questions, without one
    failed request; everything is stored, once; and a POST that a server had begun to read never went to another."""
    apis, worker = [cluster.api(*DELAY_FLAGS) for _ in range(2)], cluster.worker()
    with front(apis) as one:
        reader = Reader(one.port)
        load = ledger.start(one, "--connections", 12, "--rate", 400, "--seconds", 600)
        roll(apis, RESTARTS)
        load.terminate()
        figures = services.finish_load(load, timeout=90)
        reader.end()
        expect_no_failure(one, figures)
        again = [request for request in one.requests() if was_tried_again(request)]
        assert again, "no request met a server that was away: the test showed nothing"
        assert all("," in request["upstream"] and request["upstream"].startswith("502") for request in again), again[:5]
    ledger.judge(apis[0], workers=[worker])
    wait_for_lag([worker])


def test_a_failed_request_is_seen(cluster, ledger):
    """Guards the test above: where servers do not wait before they stop, and nginx asks no other, requests fail and that is seen."""
    apis = [cluster.api("--shutdown-delay", "0ms") for _ in range(2)]
    with front(apis, change=lambda text: text.replace("proxy_next_upstream error timeout;", "proxy_next_upstream off;")) as one:
        load = ledger.start(one, "--connections", 12, "--rate", 400, "--seconds", 600)
        roll(apis, 2)
        load.terminate()
        figures = services.finish_load(load, timeout=90)
        assert figures["statuses"].keys() - {"202"} or figures["unknown"] or figures["refused"], figures
