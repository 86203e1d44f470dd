"""GET /metrics of API servers and workers around Kafka and MongoDB: read by Prometheus' own tool, also while either is away; and the
page, the dashboard and the alerts name what some process tells, and nothing else."""

import time

import metrics
import prometheus
import service as services
import wire
from cluster import spill, wait_for_empty_spill, wait_for_lag
from sums import wait_handled

QUICK = ("--kafka.statistics.interval.ms", "200")
ONE = {"userId": "user", "action": "act"}


def scrape_with_statistics(service, *clients):
    """Once librdkafka has told something of all of these."""
    def told():
        families = metrics.scrape(service)
        ages = families.get("usertrail_kafka_statistics_age_seconds")
        heard = {dict(labels)["client"] for _, labels in ages.samples} if ages else set()
        return families if heard >= set(clients) else None

    return wire.wait_until(told, f"statistics of {clients}", 20 * services.PATIENCE, 0.1)


def test_prometheus_reads_all_of_it(cluster):
    """Guards what every role tells: the format, the counts of what was sent, and librdkafka's statistics, bounded to brokers."""
    api, worker = cluster.api(*QUICK), cluster.worker(*QUICK)
    for _ in range(30):
        api.record(ONE)
    api.post(b"{")
    wait_handled(api, 30)
    families = scrape_with_statistics(api, "producer")
    worker_families = scrape_with_statistics(worker, "consumer")
    for service in (api, worker):
        metrics.check_by_promtool(service.get("/metrics").body.decode())
    assert metrics.requests(families)["POST", services.COLLECTION, "202"] == 30
    assert metrics.requests(families)["POST", services.COLLECTION, "400"] == 1
    assert metrics.value(families, "usertrail_answered_activities_total", answer="accepted") == 30
    log = api.get("/api/v1/accounting").json["logs"][0]["logId"]
    assert metrics.value(metrics.scrape(api), "usertrail_activities_total", log=log, outcome="stored") == 30
    assert metrics.value(worker_families, "usertrail_worker_verdicts_total", verdict="stored") == 30
    assert metrics.value(families, "usertrail_service_info", role="api", event_log="kafka", store="mongodb") == 1
    assert metrics.value(worker_families, "usertrail_service_info", role="worker", event_log="kafka", store="mongodb") == 1
    wire.wait_until(lambda: metrics.value(metrics.scrape(api), "usertrail_kafka_sent_messages_total", client="producer") == 30,
                    "30 messages sent", 20 * services.PATIENCE)
    brokers = {dict(labels)["broker"] for _, labels in families["usertrail_kafka_broker_up"].samples}
    assert brokers == {"1"} and cluster.kafka.address not in api.get("/metrics").body.decode()
    assert "usertrail_worker_lag_seconds" not in families and "usertrail_worker_lag_seconds" in worker_families


def test_the_panels_of_kafka_draw(cluster):
    """Guards the panels that only Kafka and a spill fill; all others are looked at in tests/scenario/test_465_prometheus.py."""
    api, worker = cluster.api(*QUICK), cluster.worker(*QUICK)
    api.record(ONE)
    wait_handled(api, 1)
    scrape_with_statistics(api, "producer")
    scrape_with_statistics(worker, "consumer")
    of_kafka = [expression for expression in metrics.dashboard_expressions()
                if "usertrail_kafka_" in expression or "usertrail_spill_" in expression]
    assert len(of_kafka) > 5
    with prometheus.watching(api, worker) as watcher:
        watcher.wait_scrapes(2)
        assert not [expression for expression in of_kafka if not watcher.query(expression)]
        assert set(watcher.alerts().values()) == {"inactive"}


def test_lag_grows_while_the_store_is_away(cluster):
    """Guards the age of what is not stored, and that metrics are there just when the store is not."""
    quick = cluster.quick_store(3)
    api, worker = cluster.api(*quick), cluster.worker(*quick)
    api.record(ONE)
    wait_handled(api, 1)
    # What the store counts as handled the worker has still to hear.
    wire.wait_until(lambda: metrics.value(metrics.scrape(worker), "usertrail_worker_lag_seconds") == 0, "no lag",
                    20 * services.PATIENCE)
    cluster.mongodb.pause()
    begun = time.time()
    api.record(ONE)
    wire.wait_until(lambda: metrics.value(metrics.scrape(worker), "usertrail_worker_lag_seconds") >= 2, "a lag of 2 s",
                    60 * services.PATIENCE, 0.2)
    families = metrics.scrape(worker)
    assert metrics.value(families, "usertrail_worker_lag_activities") == 1
    # Times of receipt are whole milliseconds.
    assert metrics.value(families, "usertrail_worker_lag_seconds") <= time.time() - begun + 0.001
    wire.wait_until(lambda: metrics.value(metrics.scrape(api), "usertrail_store_answering") == 0, "it is told to be away",
                    60 * services.PATIENCE, 0.2)
    asked = time.monotonic()
    families = metrics.scrape(api)
    assert time.monotonic() - asked < 1 * services.PATIENCE
    assert metrics.value(families, "usertrail_received_activities_total") == 2
    assert not {name for name in families if name.startswith(("usertrail_activities", "usertrail_accounting"))}
    cluster.mongodb.recover()
    wait_for_lag([worker])
    wire.wait_until(lambda: metrics.value(metrics.scrape(api), "usertrail_store_answering") == 1, "it is told to be back",
                    60 * services.PATIENCE, 0.2)
    assert metrics.value(metrics.scrape(worker), "usertrail_worker_lag_seconds") == 0


def test_everything_that_is_named_is_told(cluster, make_local):
    """Guards the table of docs/operating.md, the dashboard and the alerts: what all kinds of processes tell together is what the
    page lists, to the letter, and nothing is asked for that nobody tells."""
    api, worker, local = cluster.api(*QUICK), cluster.worker(*QUICK), make_local()
    cluster.kafka.proxy.cut()
    wire.wait_until(lambda: api.post(ONE).status == 202 and spill(api)["activities"] > 0, "a spill", 60 * services.PATIENCE)
    families = metrics.scrape(api)
    assert metrics.value(families, "usertrail_spill_activities") > 0
    assert metrics.value(families, "usertrail_log_commit_duration_seconds_count", folder="spill") > 0
    cluster.kafka.proxy.resume()
    wait_for_empty_spill(api)
    union = {}
    for told in (families, metrics.scrape(local), scrape_with_statistics(api, "producer"), scrape_with_statistics(worker, "consumer")):
        for name, family in told.items():
            known = union.setdefault(name, family)
            assert (known.type, known.help) == (family.type, family.help), name
    assert "".join(metrics.told_on_page()) == metrics.table(union).removeprefix(metrics.TABLE_HEAD)
    for expression in [*metrics.dashboard_expressions(), *metrics.alert_expressions()]:
        assert metrics.names_in(expression), expression
        assert not metrics.unknown_names(expression, union), expression
