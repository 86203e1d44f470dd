"""A little collector of traces: takes OTLP/HTTP in JSON on a free port of this machine, holds every request to the shape that
OpenTelemetry's protocol gives it, and keeps the spans. What it answers can be told, so that it plays one that is slow or full."""

import contextlib
import gzip
import http.server
import json
import re
import ssl
import threading
from dataclasses import dataclass

import service as services
import wire

TRACE_ID, SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
UNSIGNED = re.compile(r"[0-9]+")
KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
SPAN_MEMBERS = {"traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
                "attributes", "links", "droppedLinksCount", "status"}
LINK_MEMBERS = {"traceId", "spanId", "traceState", "flags", "attributes"}


@dataclass
class Span:
    """One as tests look at it."""
    trace: str
    id: str
    parent: str | None
    state: str
    name: str
    kind: str
    begin: int
    end: int
    attributes: dict
    links: list  # of (trace, id)
    links_dropped: int
    failed: bool


def value_of(value):
    """An AnyValue, of the kinds that are sent here."""
    assert len(value) == 1, value
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        assert isinstance(content, str) and re.fullmatch("-?[0-9]+", content), value
        return int(content)
    assert kind == "stringValue" and isinstance(content, str), value
    return content


def attributes_of(items):
    found = {}
    for item in items:
        assert set(item) == {"key", "value"} and item["key"] and item["key"] not in found, item
        found[item["key"]] = value_of(item["value"])
    return found


def check_context(item):
    assert TRACE_ID.fullmatch(item["traceId"]) and int(item["traceId"], 16), item
    assert SPAN_ID.fullmatch(item["spanId"]) and int(item["spanId"], 16), item
    assert isinstance(item["flags"], int) and 0 <= item["flags"] < 2 ** 32, item
    assert isinstance(item.get("traceState", ""), str), item


def span_of(item):
    assert set(item) <= SPAN_MEMBERS, item
    check_context(item)
    for link in item.get("links", ()):
        assert set(link) <= LINK_MEMBERS, link
        check_context(link)
    parent = item.get("parentSpanId")
    assert parent is None or (SPAN_ID.fullmatch(parent) and int(parent, 16)), item
    assert isinstance(item["name"], str) and item["name"] and item["kind"] in KINDS, item
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(item[name], str) and UNSIGNED.fullmatch(item[name]), item
    begin, end = int(item["startTimeUnixNano"]), int(item["endTimeUnixNano"])
    assert 0 < begin <= end, item
    status = item.get("status", {})
    assert set(status) <= {"code", "message"} and status.get("code", 0) in (0, 1, 2), item
    return Span(item["traceId"], item["spanId"], parent, item.get("traceState", ""), item["name"], KINDS[item["kind"]], begin, end,
                attributes_of(item["attributes"]), [(link["traceId"], link["spanId"]) for link in item.get("links", ())],
                item.get("droppedLinksCount", 0), status.get("code") == 2)


class Collector:
    """`behave` is called for each request and returns (status, fields, body), or waits as long as it likes. With certificates it
    speaks https."""

    def __init__(self, certificates=None):
        self.lock = threading.Lock()
        self.spans, self.resources, self.requests, self.faults = [], [], [], []
        self.behave = lambda: (200, {}, b"{}")
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, fields, answer = collector.behave()
                collector.take(self.path, dict(self.headers.items()), body, status == 200)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {**fields, "Content-Type": "application/json", "Content-Length": len(answer)}.items():
                        self.send_header(name, str(value))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.chain, certificates.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "http" if certificates is None else "https"
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def environment(self, **more):
        """What a service needs to send its spans here at once."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "10", **more}

    def take(self, path, fields, body, keeps):
        try:
            assert fields["Content-Type"] == "application/json", fields
            text = gzip.decompress(body) if fields.get("Content-Encoding") == "gzip" else body
            document = json.loads(text.decode("utf-8"))
            spans, resources = [], []
            assert set(document) == {"resourceSpans"}, document
            for of_resource in document["resourceSpans"]:
                assert set(of_resource) == {"resource", "scopeSpans"}, of_resource
                resources.append(attributes_of(of_resource["resource"]["attributes"]))
                for of_scope in of_resource["scopeSpans"]:
                    assert set(of_scope) == {"scope", "spans"} and of_scope["scope"]["name"] == "usertrail", of_scope
                    spans += [span_of(item) for item in of_scope["spans"]]
            assert spans, "a request without spans"
        except (AssertionError, ValueError, KeyError) as fault:
            with self.lock:
                self.faults.append(fault)
            return
        with self.lock:
            self.requests.append((path, fields, len(spans)))
            if keeps:
                self.spans += spans
                self.resources += resources

    def matching(self, **wanted):
        with self.lock:
            assert not self.faults, self.faults
            return [span for span in self.spans if all(getattr(span, name) == value for name, value in wanted.items())]

    def wait(self, count=1, **wanted):
        """Waits until there are so many such spans; returns the only one, or all."""
        found = wire.wait_until(lambda: len(found := self.matching(**wanted)) >= count and found, f"{count} spans {wanted}",
                                30 * services.PATIENCE, 0.005)
        assert len(found) == count, found
        return found[0] if count == 1 else found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextlib.contextmanager
def collecting(certificates=None):
    one = Collector(certificates)
    try:
        yield one
        assert not one.faults, one.faults
    finally:
        one.close()
