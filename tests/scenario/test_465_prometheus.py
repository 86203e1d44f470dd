"""A real Prometheus on a real service: the alerts stay quiet while all is well and fire when it is not, and each panel of the
dashboard has something to draw. Takes some seconds, most of them the waiting of Prometheus."""

import pytest

import metrics
import pair
import prometheus
import service as services
import wire

# What it is about is the same on every pair and in every build; panels of Kafka and of a spill are in
# tests/distributed/test_290_metrics.py.
pytestmark = [pair.names_its_own, pytest.mark.skipif(services.SANITIZED, reason="the release build has shown it")]

ONE = {"userId": "user", "action": "act"}


def test_panels_draw_and_alerts_fire(make_service):
    """Guards the way of the README to an alert, and the dashboard against panels that stay empty while all is well."""
    service = make_service().start()
    with prometheus.watching(service) as watcher:
        watcher.wait_scrapes(2)
        service.record(ONE)
        service.wait_settled()
        watcher.wait_scrapes(watcher.scrapes() + 2)
        families = metrics.scrape(service)
        told = [expression for expression in metrics.dashboard_expressions()
                if not expression.startswith("label_values") and not metrics.unknown_names(expression, families)]
        assert len(told) > 40
        assert not [expression for expression in told if not watcher.query(expression)]
        states = watcher.alerts()
        assert len(states) > 10 and set(states.values()) == {"inactive"}, states
        service.stop()
        wire.wait_until(lambda: watcher.alerts()["UsertrailDown"] == "firing", "the alert fires", 30 * services.PATIENCE, 0.1)
