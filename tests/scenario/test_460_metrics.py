"""GET /metrics on the real program: read by Prometheus' own tool, held against what the test did, bounded whatever clients send,
told under load; and the dashboard, the alerts and the page about them, which name only what there is."""

import json
import os
import random
import re
import socket
import string
import time
from pathlib import Path

import pytest

import keys
import metrics
import service as services
import wire

LIST = services.COLLECTION
ONE = {"userId": "user", "action": "act"}
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "DELETE", "PUT", "PATCH", "_OTHER"}


def ask_for_everything(service):
    """Requests of many kinds, good and bad."""
    service.record(ONE)
    service.post(b"{")
    service.post([ONE, {"userId": 1}])
    for target in (LIST, f"{LIST}/none", f"{LIST}/export", "/api/v1/stats?by=action", "/api/v1/users?userId=user", "/health", "/x",
                   "/openapi.json", "/api/v1/accounting", "/api/v1/refused"):
        service.get(target)
    service.request("DELETE", "/api/v1/users/user")
    service.request("PUT", LIST)
    service.request("HEAD", "/readyz")


def test_prometheus_reads_all_of_it(fresh):
    """Guards the format and Prometheus' rules for names, by its own tool and by a strict reader."""
    ask_for_everything(fresh)
    families = metrics.scrape(fresh)
    metrics.check_by_promtool(fresh.get("/metrics").body.decode())
    assert metrics.value(families, "usertrail_build_info", **{
        key: value for key, value in zip(("version", "revision"), version(), strict=True)}) == 1
    bounds = {float(dict(labels)["le"]) for name, labels in families[metrics.DURATIONS].samples if name.endswith("_bucket")}
    assert sorted(bounds) == [*metrics.SECONDS, float("inf")]


def version():
    """What `usertrail version` says: version and revision."""
    words = services.run_program("version").stdout.split()
    return words[1], words[2].strip("()")


def test_the_reader_sees_what_is_wrong():
    """Negative control: what breaks the format, or its rules, is not read."""
    good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"y\"} 1\n"
    assert metrics.value(metrics.read(good), "a_total", x="y") == 1
    for wrong in (good.replace("# TYPE a_total", "# TYPE b_total"), good + good, good + 'a_total{x="y"} 2\n', good + "b_total 1\n",
                  good.replace('"y"', "y"), good.replace("} 1", "} one"), good[:-1]):
        with pytest.raises((AssertionError, ValueError)):
            metrics.read(wrong)
    histogram = "".join(["# HELP h H.\n# TYPE h histogram\n", *(f'h_bucket{{le="{bound:g}"}} 1\n' for bound in metrics.SECONDS),
                         'h_bucket{le="+Inf"} 2\nh_sum 11\nh_count 2\n'])
    metrics.read(histogram)
    for wrong in (histogram.replace("h_count 2", "h_count 3"), histogram.replace('"10"} 1', '"10"} 0'),
                  histogram.replace("h_sum 11\n", "")):
        with pytest.raises(AssertionError):
            metrics.read(wrong)
    for wrong in ("a_total 1\n", good.replace("a_total", "a"), good + good):
        with pytest.raises(AssertionError):
            metrics.check_by_promtool(wrong)


def test_requests_are_counted_where_they_belong(fresh):
    """Guards the histogram by method, route and status, each request once, against what was sent and answered."""
    before = metrics.requests(metrics.scrape(fresh))
    expected = {}

    def ask(method, route, target=None, body=None):
        answer = fresh.request(method, target or route, body)
        key = (method if method in METHODS else "_OTHER", route, str(answer.status))
        expected[key] = expected.get(key, 0) + 1
        return answer

    for _ in range(3):
        assert ask("POST", LIST, body=ONE).status == 202
    assert ask("POST", LIST, body=b"{").status == 400
    assert ask("POST", "/api/logs", body=ONE).status == 202
    assert ask("GET", LIST).status == 200
    assert ask("GET", f"{LIST}/{{id}}", f"{LIST}/nothing").status == 404
    assert ask("GET", "/api/v1/users/{id}/activities", "/api/v1/users/user/activities").status == 200
    assert ask("GET", f"{LIST}/export").status == 200
    assert ask("HEAD", "/livez").status == 200
    assert ask("OPTIONS", LIST).status == 204
    assert ask("PUT", LIST).status == 405
    assert ask("BREW", LIST).status == 405
    assert ask("GET", "none", "/nowhere").status == 404
    assert ask("GET", LIST, f"{LIST}?unknown=1").status == 400
    assert ask("DELETE", "/api/v1/users/{id}", "/api/v1/users/nobody").status == 200
    families = metrics.scrape(fresh)
    after = metrics.requests(families)
    expected["GET", "/metrics", "200"] = 1  # the first; the second is not answered yet when it is told
    assert {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)} == expected
    assert metrics.value(families, "http_server_active_requests") == 1
    mean = {"http_request_method": "POST", "http_route": LIST, "http_response_status_code": "202"}
    seconds = metrics.value(families, f"{metrics.DURATIONS}_sum", **mean)
    assert 0 < seconds < 3 * 5 * services.PATIENCE


def test_what_is_no_request_is_counted_too(fresh):
    """Guards requests that are broken before anybody knows their route, and those whose client goes."""
    with fresh.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.read_answer().status == 400
    with socket.create_connection(("127.0.0.1", fresh.port)) as leaving:
        leaving.sendall(b"GET /livez HT")
        wire.wait_until(lambda: metrics.value(metrics.scrape(fresh), "http_server_active_requests") == 2, "it has begun",
                        10 * services.PATIENCE)
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.wait_until(lambda: metrics.value(metrics.scrape(fresh), "usertrail_http_abandoned_requests_total") == 1, "it has left",
                    10 * services.PATIENCE)
    counted = metrics.requests(metrics.scrape(fresh))
    assert sum(count for (_, route, status), count in counted.items() if (route, status) == ("none", "400")) == 1


def test_labels_stay_few_whatever_is_sent(fresh):
    """Guards the bound on series: no path, method, user, action or key that a client chooses gets into a label."""
    chance = random.Random(460)
    secrets = []

    def word():
        secrets.append("".join(chance.choices(string.ascii_letters, k=12)))
        return secrets[-1]

    ask_for_everything(fresh)
    for _ in range(60):
        method = chance.choice([word(), "GET", "POST", "DELETE", "PUT", "HEAD", "PATCH", "OPTIONS"])
        path = chance.choice([f"/{word()}", f"{LIST}/{word()}", f"/api/v1/users/{word()}/activities", f"/%2e%2e/{word()}",
                              f"{LIST}/{word()}/{word()}", f"/metrics/{word()}", f"/{word()}{{}}\"\\"])
        fresh.request(method, path + chance.choice(["", f"?userId={word()}", f"?{word()}=1"]),
                      json.dumps({"userId": word(), "action": word()}) if method == "POST" else None,
                      [("Authorization", f"Bearer {word()}"), ("Idempotency-Key", f'"{word()}"')])
    text = fresh.get("/metrics").body.decode()
    assert not [secret for secret in secrets if secret in text]
    families = metrics.read(text)
    counted = metrics.requests(families)
    assert {method for method, _, _ in counted} <= METHODS
    known = set(json.loads(fresh.get("/openapi.json").body)["paths"])
    templates = {re.sub(r"\{\w+\}", "{id}", path) for path in known} | {"none"}
    aliases = ("/api/v1/logs", "/api/logs", "/logs", "/api/activities")
    for _, route, status in counted:
        assert route in templates or route.startswith(aliases), route
        assert re.fullmatch(r"[1-5][0-9][0-9]", status), status
    assert sum(len(family.samples) for family in families.values()) < 4000
    metrics.check_by_promtool(text)


def test_commits_are_counted_and_timed(fresh):
    """Guards the histograms of the local log: a client that is alone has a commit for each activity."""
    before = metrics.scrape(fresh)
    for _ in range(20):
        fresh.record(ONE)
    after = metrics.scrape(fresh)

    def grown(name):
        return metrics.value(after, name, folder="log") - metrics.value(before, name, folder="log")

    assert grown("usertrail_log_commit_duration_seconds_count") == grown("usertrail_log_sync_duration_seconds_count") == 20
    assert 0 < grown("usertrail_log_sync_duration_seconds_sum") <= grown("usertrail_log_commit_duration_seconds_sum") < 20
    assert grown("usertrail_log_written_bytes_total") == grown("usertrail_log_segment_bytes") > 20 * 50
    assert grown("usertrail_log_end_offset") == 20
    assert metrics.value(after, "usertrail_log_segments", folder="log") == 1


def test_a_scrape_while_loaded(fresh, tmp_path):
    """Guards counting and telling at the same time: nothing goes backwards, and in the end each request was counted once."""
    process = services.start_load(fresh, tmp_path / "ledger", "--connections", 16, "--seconds", 3 * services.PATIENCE)
    last, scrapes = {}, 0
    while process.poll() is None:
        families = metrics.scrape(fresh)
        scrapes += 1
        for family in families.values():
            if family.type != "gauge":
                for key, number in family.samples.items():
                    assert number >= last.get(key, 0), key
                last |= family.samples
    figures = services.finish_load(process)
    fresh.wait_settled()
    families = metrics.scrape(fresh)
    counted = {status: count for (method, route, status), count in metrics.requests(families).items() if (method, route) == ("POST", LIST)}
    assert scrapes > 3 and counted == {status: count for status, count in figures["statuses"].items() if count}
    assert metrics.value(families, "usertrail_answered_activities_total", answer="accepted") == figures["acknowledged"]
    assert metrics.value(families, "usertrail_worker_lag_seconds") == metrics.value(families, "usertrail_worker_lag_activities") == 0
    assert metrics.value(families, "usertrail_worker_verdicts_total", verdict="stored") == figures["acknowledged"]


def test_connections_and_refusals_are_counted(make_service):
    """Guards connections over the cap, and that the bounds are told beside what is in use."""
    service = make_service("--connections", 2).start()
    held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(2)]  # one beside that of this test, and one too many
    wire.wait_until(lambda: metrics.value(metrics.scrape(service), "usertrail_http_refused_connections_total") == 1, "one is refused",
                    10 * services.PATIENCE)
    families = metrics.scrape(service)
    assert metrics.value(families, "usertrail_http_connections") == metrics.value(families, "usertrail_http_max_connections") == 2
    assert metrics.value(families, "usertrail_http_accepted_connections_total") == 3
    assert metrics.value(families, "process_open_fds") <= metrics.value(families, "process_max_fds")
    assert metrics.value(families, "process_resident_memory_bytes") > 1 << 20
    for one in held:
        one.close()
    service.stop()


def test_the_process_is_told(fresh):
    """Guards what the system says of the process, against what it says to others."""
    families = metrics.scrape(fresh)
    process = Path(f"/proc/{fresh.process.pid}")
    assert abs(metrics.value(families, "process_open_fds") - len(list((process / "fd").iterdir()))) <= 2
    resident = int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text()).group(1)) << 10
    assert resident / 2 < metrics.value(families, "process_resident_memory_bytes") < resident * 2
    assert 0 <= time.time() - metrics.value(families, "process_start_time_seconds") < 60 * services.PATIENCE
    assert 0 < metrics.value(families, "process_cpu_seconds_total") < 60
    free = os.statvfs(fresh.data)
    assert abs(metrics.value(families, "usertrail_data_free_bytes") - free.f_bavail * free.f_frsize) < 1 << 30


def test_who_is_not_let_in_is_counted(make_service, tmp_path):
    """Guards refusals by reason, and that metrics themselves need no key and have no limit."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 1, "--limit-key-burst", 2)
    assert keyed.ask("GET", LIST).status == 401
    assert keyed.ask("POST", LIST, "read", body=ONE).status == 403
    statuses = [keyed.ask("GET", LIST, "read").status for _ in range(5)]
    assert statuses[0] == 200 and statuses.count(429) >= 1
    families = metrics.scrape(keyed.service)
    denied = {reason: metrics.value(families, "usertrail_http_denied_requests_total", reason=reason)
              for reason in ("unauthorized", "forbidden", "rate-limited")}
    assert denied == {"unauthorized": 1, "forbidden": 1, "rate-limited": statuses.count(429)}


def test_parts_and_heads_are_told(make_service):
    """Guards the store's sizes over a seal: what was in a head is in a part, and the seal was timed."""
    service = make_service().start()
    for number in range(50):
        service.record({**ONE, "id": f"a-{number}"})
    service.wait_settled()
    families = metrics.scrape(service)
    assert metrics.value(families, "usertrail_store_head_activities") == metrics.value(families, "usertrail_store_activities") == 50
    assert metrics.value(families, "usertrail_store_parts") == 0
    service.restart()
    families = metrics.scrape(service)
    assert metrics.value(families, "usertrail_store_part_activities") == metrics.value(families, "usertrail_store_activities") == 50
    assert metrics.value(families, "usertrail_store_parts") == 1 and metrics.value(families, "usertrail_store_part_bytes") > 0
    service.record(ONE)
    service.wait_settled()
    assert metrics.value(metrics.scrape(service), "usertrail_store_head_activities") == 1
    service.stop()


# --- what others make of it ---


def test_the_page_tells_what_there_is(fresh):
    """Guards the table of docs/operating.md: every metric of this service is in it as the program tells it. Those of Kafka and of a
    spill are looked at by tests/distributed/test_290_metrics.py."""
    told = metrics.told_on_page()
    assert told == sorted(told)
    for name, family in metrics.scrape(fresh).items():
        assert metrics.row(name, family) in told, name


def test_the_reader_of_expressions_finds_the_names():
    """Guards what the tests of dashboard and alerts stand on."""
    assert metrics.names_in('sum by (job, a_b) (rate(x_total{c_d="e_f"}[5m]) * on (job) group_left () y_info) / max_over_time(z_s[1h])') == {
        "x_total", "y_info", "z_s"}
    assert metrics.names_in('up{job=~"a"} == 0') == {"up"}
    families = {"h_seconds": metrics.Family("histogram", ""), "c_total": metrics.Family("counter", "")}
    assert not metrics.unknown_names("rate(h_seconds_bucket[1m]) + c_total", families)
    assert metrics.unknown_names("h_seconds + c_totals", families) == {"h_seconds", "c_totals"}
