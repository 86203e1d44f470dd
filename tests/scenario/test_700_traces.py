"""Traces: what a request's header says of one is carried with its activities to the worker, spans of request, commit and batch
reach a collector of the tests, and one that is away, slow or full is in nobody's way."""

import os
import re
import secrets
import socket
import sys
import threading
import time

import pytest

import collector as collectors
import metrics
import service as services
import wire

sys.path.insert(0, str(services.ROOT / "tests" / "servers"))

import certificates  # noqa: E402

LIST = services.COLLECTION
ONE = {"userId": "user", "action": "act"}
NDJSON = ("Content-Type", "application/x-ndjson")
SPANS = "usertrail_trace_spans_total"


def new_trace():
    return secrets.token_hex(16), secrets.token_hex(8)


def parent_field(trace, span, flags="01"):
    return "traceparent", f"00-{trace}-{span}-{flags}"


def post_in(service, body=ONE, flags="01", target=LIST, headers=()):
    """Posts as a part of a new trace; returns its ids."""
    trace, span = new_trace()
    answer = service.post(body, [parent_field(trace, span, flags), *headers], target)
    assert answer.status in (200, 202), answer
    return trace, span


def counted(service, outcome):
    return metrics.value(metrics.scrape(service), SPANS, outcome=outcome)


@pytest.fixture(scope="module")
def collector():
    with collectors.collecting() as one:
        yield one


@pytest.fixture(scope="module")
def traced(collector):
    """A service that records every trace, for the tests that only need one."""
    extra = collector.environment(OTEL_SERVICE_NAME="shop", OTEL_RESOURCE_ATTRIBUTES="zone=a%2Cb,service.name=unused",
                                  OTEL_EXPORTER_OTLP_HEADERS="x-api-key=very%20secret", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    with services.running("--log-level", "debug", extra=extra) as one:
        yield one
        assert "very secret" not in one.stderr and "very%20secret" not in one.stderr


# --- spans ---


def test_an_activity_is_followed_to_the_store(traced, collector):
    """Guards the whole way: the caller's trace has the request, below it the commit, below that the batch, with their times
    within each other and what the conventions want told."""
    trace, caller = post_in(traced, target="/api/logs", headers=[("X-Request-Id", "r-7"), ("tracestate", "congo=1,rojo=2")])
    batch = collector.wait(trace=trace, name="store batch")
    request = collector.wait(trace=trace, name="POST /api/logs")
    commit = collector.wait(trace=trace, name="commit")
    assert (request.parent, commit.parent, batch.parent) == (caller, request.id, commit.id)
    assert (request.kind, commit.kind, batch.kind) == ("SERVER", "INTERNAL", "CONSUMER")
    assert batch.links == [(trace, commit.id)] and batch.links_dropped == 0
    assert all(span.state == "congo=1,rojo=2" for span in (request, commit, batch))
    assert request.begin <= commit.begin <= commit.end <= request.end and not request.failed
    told = request.attributes
    assert told == {"http.request.method": "POST", "http.route": "/api/logs", "url.path": "/api/logs",
                    "http.response.status_code": 202, "usertrail.request_id": "r-7"}
    assert commit.attributes == {"usertrail.event_log": "local", "usertrail.activities": 1, "usertrail.durability": "local-disk"}
    assert batch.attributes == {"usertrail.store": "local", "usertrail.activities": 1, "usertrail.refused": 0,
                                "usertrail.failures": 0}


def test_the_collector_hears_who_speaks(traced, collector):
    """Guards the resource, the path below the endpoint, the fields and the coding of requests, as the variables set them."""
    post_in(traced)
    collector.wait(trace=post_in(traced)[0], name="commit")
    resource = collector.resources[0]
    assert resource["service.name"] == "shop" and resource["zone"] == "a,b"
    assert resource["service.version"] == services.run_program("version").stdout.split()[1]
    assert re.fullmatch("[0-9a-f-]{36}", resource["service.instance.id"])
    path, fields, _ = collector.requests[0]
    assert path == "/v1/traces" and fields["x-api-key"] == "very secret" and fields["Content-Encoding"] == "gzip"


def test_without_a_caller_a_trace_begins(traced, collector):
    """Guards that a request without a context begins a trace of its own, and that lines of the log name it."""
    name = secrets.token_hex(8)
    assert traced.post(ONE, [("X-Request-Id", name)]).status == 202
    request = wire.wait_until(lambda: next((span for span in collector.matching(name=f"POST {LIST}")
                                            if span.attributes["usertrail.request_id"] == name), None), "its span", 30 * services.PATIENCE)
    assert request.parent is None
    line = next(line for line in traced.stderr.splitlines() if name in line)
    assert f'"trace_id":"{request.trace}"' in line
    commit = collector.wait(trace=request.trace, name="commit")
    assert collector.wait(trace=request.trace, name="store batch").parent == commit.id


def test_an_array_is_one_commit(traced, collector):
    """Guards that all activities of an array carry one context, and that what was rejected is no part of the commit."""
    trace, _ = post_in(traced, [ONE, {"userId": 1}, ONE, ONE])
    commit = collector.wait(trace=trace, name="commit")
    assert commit.attributes["usertrail.activities"] == 3
    batch = collector.wait(trace=trace, name="store batch")
    assert batch.links == [(trace, commit.id)] and batch.attributes["usertrail.activities"] == 3


def test_lines_are_a_commit_for_each_batch(traced, collector):
    """Guards that a body of lines, which is recorded batch by batch, has a span for each, all below the request."""
    body = b'{"userId":"u","action":"a"}\n' * 3000
    trace, _ = post_in(traced, body, headers=[NDJSON])
    request = collector.wait(trace=trace, name=f"POST {LIST}")
    commits = wire.wait_until(lambda: sum(span.attributes["usertrail.activities"] for span in collector.matching(
        trace=trace, name="commit")) == 3000 and collector.matching(trace=trace, name="commit"), "all batches", 30 * services.PATIENCE)
    assert len(commits) >= 3 and len({span.id for span in commits}) == len(commits)
    assert {span.parent for span in commits} == {request.id}


def test_other_requests_have_a_span(traced, collector):
    """Guards questions, refusals and paths of none: a span for each, with what the route says and never what a client named."""
    secret = "secret-" + secrets.token_hex(8)
    cases = [("GET", f"/api/v1/users/{secret}?from={secret}x", 400, "GET /api/v1/users/{id}"),
             ("GET", f"{LIST}?userId={secret}", 200, f"GET {LIST}"), ("GET", f"/{secret}?{secret}", 404, "GET"),
             ("BREW", LIST, 405, f"HTTP {LIST}"), ("GET", f"{LIST}/export?userId={secret}", 200, f"GET {LIST}/export"),
             ("POST", LIST, 400, f"POST {LIST}")]
    for method, target, status, name in cases:
        trace, caller = new_trace()
        answer = traced.request(method, target, b"{" if method == "POST" else None, [parent_field(trace, caller)])
        assert answer.status == status, answer
        span = collector.wait(trace=trace)
        assert (span.name, span.kind, span.parent, span.failed) == (name, "SERVER", caller, False), span
        assert span.attributes["http.response.status_code"] == status
        assert secret not in repr(span), span


def test_a_dry_run_commits_nothing(traced, collector):
    """Guards that what is only tried has the span of its request and no other."""
    trace, _ = post_in(traced, target=f"{LIST}?dry_run=1")
    later = post_in(traced)[0]
    collector.wait(trace=later, name="store batch")
    assert [span.name for span in collector.matching(trace=trace)] == [f"POST {LIST}"]


def test_what_nobody_samples_has_no_spans(traced, collector):
    """Guards that the caller's decision counts (parentbased): no span of it anywhere, the worker's included."""
    trace, _ = post_in(traced, flags="00")
    later = post_in(traced)[0]
    collector.wait(trace=later, name="store batch")
    assert not collector.matching(trace=trace)
    assert not [span for span in collector.matching() if trace in repr(span.links)]


# --- the cases of W3C Trace Context, over the wire ---

TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
INVALID_PARENTS = [
    f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.replace('1', 'A', 1)}-{SPAN}-01",
    f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-01.", f"00-{TRACE}-{SPAN}-1", f"0-{TRACE}-{SPAN}-01", f"00-{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE}-{SPAN[1:]}-01", f"00-.{TRACE[1:]}-{SPAN}-01", f"00-{TRACE}-.{SPAN[1:]}-01", f"00-{TRACE}-{SPAN}-0.", "", "x" * 200]


def named_request(traced, collector, fields):
    """The span of a request with these fields."""
    name = secrets.token_hex(8)
    assert traced.get("/openapi.json", [*fields, ("X-Request-Id", name)]).status == 200
    return wire.wait_until(lambda: next((span for span in collector.matching(name="GET /openapi.json")
                                         if span.attributes["usertrail.request_id"] == name), None), "its span", 30 * services.PATIENCE)


@pytest.mark.parametrize("fields", [*([("traceparent", text)] for text in INVALID_PARENTS),
                                    [("traceparent", f"00-{TRACE}-{SPAN}-01"), ("traceparent", f"00-{TRACE}-{SPAN}-01")],
                                    [("tracestate", "foo=1")]], ids=repr)
def test_what_is_no_context_begins_a_trace(traced, collector, fields):
    """Guards that a wrong or repeated traceparent counts as absent, with the tracestate beside it, and harms nothing."""
    span = named_request(traced, collector, [*fields, ("tracestate", "foo=1")])
    assert span.parent is None and span.trace != TRACE and span.state == ""


@pytest.mark.parametrize(("states", "expected"), [
    ([], ""), (["foo=1"], "foo=1"), (["foo=1", "bar=2"], "foo=1,bar=2"), (["foo=1 , bar=2", "", "rojo=1"], "foo=1,bar=2,rojo=1"),
    (["foo =1"], ""), (["foo=1", "foo@@bar=1"], ""), ([",".join(f"b{i}=1" for i in range(33))], ""),
    ([",".join(f"b{i:02}=1" for i in range(32))], ",".join(f"b{i:02}=1" for i in range(32))), (["a=" + "b" * 257], "")], ids=repr)
def test_the_state_goes_along(traced, collector, states, expected):
    """Guards that members of all fields are put together in their order, and left out as a whole where one is wrong."""
    for version in ("00", "cc"):
        span = named_request(traced, collector, [("TraceParent", f"{version}-{TRACE}-{SPAN}-01"),
                                                 *(("TraceState", state) for state in states)])
        assert (span.trace, span.parent, span.state) == (TRACE, SPAN, expected)


def test_probes_are_told_only_in_a_trace_of_somebody(traced, collector):
    """Guards that what asks every few seconds, for ever, does not drown everything else."""
    names = {path: secrets.token_hex(8) for path in ("/livez", "/readyz", "/health", "/metrics")}
    for path, name in names.items():
        assert traced.get(path, [("X-Request-Id", name)]).status == 200
    asked = secrets.token_hex(8)
    assert traced.get("/livez", [parent_field(*new_trace(), "01"), ("X-Request-Id", asked)]).status == 200
    wire.wait_until(lambda: asked in told_names(collector), "the span of a probe in a trace", 30 * services.PATIENCE)
    assert not told_names(collector) & set(names.values())


def told_names(collector):
    return {span.attributes.get("usertrail.request_id") for span in collector.matching()}


# --- sampling ---


def test_the_sampler_of_the_settings_decides(make_service):
    """Guards the samplers by name: what the caller said counts with parentbased_, and not without."""
    with collectors.collecting() as collector:
        for sampler, argument, expected in (("always_off", "", []), ("parentbased_always_off", "", ["01"]), ("traceidratio", "0", []),
                                            ("always_on", "", ["00", "01", "none"]),
                                            ("parentbased_traceidratio", "1", ["01", "none"])):
            extra = collector.environment(OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=argument)
            service = make_service(extra=extra).start()
            names = {}
            for flags in ("00", "01", "none"):
                names[flags] = secrets.token_hex(8)
                fields = [] if flags == "none" else [parent_field(*new_trace(), flags)]
                assert service.get("/openapi.json", [("X-Request-Id", names[flags]), *fields]).status == 200
            service.stop()
            told = told_names(collector)
            assert [flags for flags, name in names.items() if name in told] == expected, sampler


def test_without_a_collector_nothing_is_made(fresh, make_service):
    """Guards that traces are off by default and by either switch: no span is counted, and the log keeps its format, which
    earlier versions read."""
    switched_off = [make_service(extra={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **one})
                    for one in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"})]
    for service in (fresh, *(one.start() for one in switched_off)):
        post_in(service)
        post_in(service, [ONE] * 3)
        families = metrics.scrape(service)
        assert not any(families[SPANS].samples.values())
        if (service.data / "log" / "log-id").exists():
            assert (service.data / "log" / "log-id").read_text(encoding="ascii").startswith("usertrail-event-log 1 ")


@pytest.mark.parametrize("extra", [
    {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://x"}, {"OTEL_EXPORTER_OTLP_HEADERS": "a=1,very-secret"},
    {"OTEL_RESOURCE_ATTRIBUTES": "a"}, {"OTEL_TRACES_SAMPLER_ARG": "1.5"}, {"OTEL_TRACES_SAMPLER": "jaeger_remote"}], ids=repr)
def test_what_cannot_be_meant_is_refused(extra):
    """Guards that check-config says which variable is wrong, before anything is touched and without a secret."""
    result = services.run_program("check-config", extra={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **extra})
    assert result.returncode == 2 and "very-secret" not in result.stderr, result.stderr


FOREIGN = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_EXPORTER_OTLP_HEADERS": "a"}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}


@pytest.mark.parametrize("extra", [{}, {**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}], ids=repr)
def test_what_others_are_told_stops_nobody(extra):
    """Guards that variables which a platform sets for all of its programs are refused only where spans are wanted."""
    result = services.run_program("check-config", extra={**FOREIGN, **extra})
    assert result.returncode == 0 and "OTEL" not in result.stderr, result


def test_who_makes_no_spans_is_not_stopped(tmp_path):
    """Guards that an import into a folder looks at none of these variables, a collector or not."""
    (tmp_path / "one.ndjson").write_text('{"userId":"u","action":"a"}\n', encoding="utf-8")
    result = services.run_program("import", "--data-dir", tmp_path / "data", tmp_path / "one.ndjson", extra={**FOREIGN, **ENDPOINT})
    assert result.returncode == 0, result


# --- the way to a collector ---


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return certificates.Certificates(tmp_path_factory.mktemp("names"))


@pytest.mark.parametrize("kind", ["general", "traces"])
def test_each_variable_is_heard(make_service, made, tmp_path, kind):
    """Guards the address, who vouches for it, fields, coding and time of a request: as set for all signals, with the key in a file,
    and as set for traces, which then counts before all of that."""
    secret = tmp_path / "fields"
    secret.write_text("x-api-key=of%20all\n", encoding="utf-8")
    with collectors.collecting(made) as collector:
        extra = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/prefix/", "OTEL_EXPORTER_OTLP_CERTIFICATE": str(made.authority),
                 "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(secret), "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                 "OTEL_EXPORTER_OTLP_TIMEOUT": "60000", "OTEL_BSP_SCHEDULE_DELAY": "10"}
        expected = "/prefix/v1/traces", "of all", "gzip"
        if kind == "traces":
            extra |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_CERTIFICATE": str(made.stranger),
                      "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/own",
                      "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": str(made.authority),
                      "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-api-key=of%20traces", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
                      "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "60000"}
            expected = "/own", "of traces", None
        collector.behave = lambda: (threading.Event().wait(0.02), (200, {}, b"{}"))[1]  # longer than 1 ms
        service = make_service(extra=extra).start()
        collector.wait(trace=post_in(service)[0], name="commit")
        path, fields, _ = collector.requests[0]
        assert (path, fields["x-api-key"], fields.get("Content-Encoding")) == expected
        service.stop()


@pytest.mark.parametrize("name", ["OTEL_BSP_EXPORT_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"])
def test_a_collector_has_its_time(make_service, name):
    """Guards that a request under way ends when its own time is over, and with that of its batch for good."""
    release = threading.Event()
    extra = {"OTEL_BSP_EXPORT_TIMEOUT": "3600000", "OTEL_EXPORTER_OTLP_TIMEOUT": "3600000", name: "50"}
    with collectors.collecting() as collector:
        collector.behave = lambda: (release.wait(60), (503, {}, b""))[1]
        service = make_service(extra=collector.environment(**extra)).start()
        post_in(service)
        wire.wait_until(lambda: metrics.value(metrics.scrape(service), "usertrail_trace_export_failures_total") > 0, "a failure",
                        30 * services.PATIENCE)
        if name == "OTEL_BSP_EXPORT_TIMEOUT":
            wire.wait_until(lambda: counted(service, "given_up") > 0, "spans that are given up", 30 * services.PATIENCE)
        else:
            assert counted(service, "given_up") == 0
        release.set()
        service.stop()


# --- the log ---


def test_a_trace_outlives_a_crash(make_service):
    """Guards that the context is in the log: a server that is killed before its worker stored the activity, and whose next life
    stores it, links to the trace. The log says by then that it has such."""
    with collectors.collecting() as collector:
        service = make_service("--store", "memory", "--event-log", "local", extra=collector.environment()).start()
        trace, _ = post_in(service, headers=[("tracestate", "congo=1")])
        commit = collector.wait(trace=trace, name="commit")
        collector.wait(trace=trace, name="store batch")
        service.kill()
        assert (service.data / "log" / "log-id").read_text(encoding="ascii").startswith("usertrail-event-log 2 ")
        with collector.lock:
            collector.spans.clear()
        service.start()  # the memory store is empty, so the log brings all of it again
        batch = collector.wait(trace=trace, name="store batch")
        assert batch.parent == commit.id and batch.state == "congo=1"
        service.stop()


def batches_of(collector, activities):
    """The worker's batches, once they hold so many."""
    def found():
        batches = collector.matching(name="store batch")
        return sum(span.attributes["usertrail.activities"] for span in batches) == activities and batches
    return wire.wait_until(found, f"batches of {activities} activities", 30 * services.PATIENCE)


def test_several_causes_are_linked(make_service):
    """Guards that a batch with activities of several traces begins one of its own, with a link to each: again out of the log."""
    with collectors.collecting() as collector:
        service = make_service("--store", "memory", "--event-log", "local", extra=collector.environment()).start()
        traces = {post_in(service)[0] for _ in range(140)}
        commits = {(span.trace, span.id) for span in collector.wait(140, name="commit") if span.trace in traces}
        batches_of(collector, 140)  # so that none of this life comes behind what is cleared
        service.kill()
        with collector.lock:
            collector.spans.clear()
        service.start()
        batches = batches_of(collector, 140)
        largest = max(batches, key=lambda span: len(span.links))
        assert largest.parent is None and largest.trace not in traces
        assert len(largest.links) == 128 and largest.links_dropped == largest.attributes["usertrail.activities"] - 128
        assert set(largest.links) <= commits
        service.stop()


# --- a collector that is no good ---


def flood(service, count):
    for _ in range(count):
        assert service.post([ONE] * 10).status == 202


@pytest.mark.parametrize("answer", [429, 503, 400, "away", "hangs"])
def test_a_collector_is_in_nobodys_way(make_service, answer):
    """Guards that activities are accepted and stored whatever the collector does: spans beyond the queue are dropped and counted,
    and a stop does not wait for it."""
    release = threading.Event()
    with collectors.collecting() as collector:
        if answer == "hangs":
            collector.behave = lambda: (release.wait(60), (503, {}, b""))[1]
        elif answer != "away":
            collector.behave = lambda: (answer, {"Retry-After": "1"}, b"no")
        extra = collector.environment(OTEL_BSP_MAX_QUEUE_SIZE="20", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="5")
        if answer == "away":
            extra["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
        service = make_service(extra=extra).start()
        flood(service, 50)
        service.wait_settled()
        outcome = "rejected" if answer == 400 else "queue_full"
        wire.wait_until(lambda: counted(service, outcome) > 0, f"spans that are {outcome}", 30 * services.PATIENCE)
        families = metrics.scrape(service)
        assert metrics.value(families, SPANS, outcome="exported") == 0
        assert metrics.value(families, "usertrail_trace_spans_waiting") <= 20
        service.stop(timeout=5)  # two seconds are for the spans; the collector that hangs took 2.2 in all
        assert service.stderr.count("spans cannot be exported") == 1
        release.set()


@pytest.mark.skipif(os.geteuid() != 0, reason="a name server of its own wants root")
def test_a_stop_does_not_wait_for_a_name_server(make_service, tmp_path):
    """Guards that a stop is over in its time while a name is looked up that nobody answers for."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.99\n")
    mounts = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec \"$@\""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.99", 53))
        service = make_service(extra={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318", "OTEL_BSP_SCHEDULE_DELAY": "10"},
                               prefix=("unshare", "-m", "sh", "-c", mounts, "sh")).start()
        post_in(service)
        silent.recv(512)
        begun = time.monotonic()
        service.stop()
        assert time.monotonic() - begun < 4 * services.PATIENCE


def test_what_a_collector_asks_to_wait_for_comes_later(make_service):
    """Guards that a batch that was put off is sent again and taken, and that partial success is counted as such."""
    answers = [(503, {}, b""), (200, {}, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"one was bad"}}')]
    with collectors.collecting() as collector:
        collector.behave = lambda: answers.pop(0) if len(answers) > 1 else answers[0]
        service = make_service(extra=collector.environment()).start()
        trace, _ = post_in(service)
        collector.wait(trace=trace, name=f"POST {LIST}")
        wire.wait_until(lambda: counted(service, "rejected") > 0, "a rejected span", 30 * services.PATIENCE)
        assert metrics.value(metrics.scrape(service), "usertrail_trace_export_failures_total") == 1
        assert "spans are exported again" in service.stderr
        service.stop()


def test_a_clean_stop_leaves_no_span_behind(make_service):
    """Guards that spans that wait for others are sent when the service stops."""
    with collectors.collecting() as collector:
        service = make_service(extra=collector.environment(OTEL_BSP_SCHEDULE_DELAY="3600000")).start()
        traces = {post_in(service)[0] for _ in range(20)}
        service.wait_settled()
        service.stop()
        assert {span.trace for span in collector.matching(name="commit")} == traces
        assert {span.trace for span in collector.matching(name=f"POST {LIST}")} >= traces
