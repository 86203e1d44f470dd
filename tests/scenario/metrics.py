"""Reads what /metrics says as Prometheus does, and holds expressions and pages to it.

Run as a program with the addresses of services it prints the table of docs/operating.md for what these tell.
"""

import itertools
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "operating.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "usertrail.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
TABLE_HEAD = "| metric | type | what it says |\n| --- | --- | --- |\n"

DURATIONS = "http_server_request_duration_seconds"
SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]  # OpenTelemetry's

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass
class Family:
    type: str
    help: str
    samples: dict = field(default_factory=dict)  # (name, frozenset of labels) -> number


def labels_of(text):
    found, at = [], 0
    while at < len(text):
        label = LABEL.match(text, at)
        assert label, f"{text!r} at {at}"
        found.append(label.groups())
        at = label.end()
    assert len(dict(found)) == len(found), f"a label twice in {text}"
    return frozenset(found)


def read(text):
    """Name -> Family; an assertion says what breaks the format or its rules."""
    families, open_name = {}, None
    assert text.endswith("\n")
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            open_name, words = line.removeprefix("# HELP ").split(" ", 1)
            assert open_name not in families, f"{open_name} comes twice"
            kind = next(lines)
            assert kind.startswith(f"# TYPE {open_name} "), kind
            families[open_name] = Family(kind.rsplit(" ", 1)[1], words)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"{line!r} is no sample"
        name, labels, number = sample.groups()
        family = families[open_name]
        assert name in {open_name + end for end in (SUFFIXES if family.type == "histogram" else ("",))}, line
        key = name, labels_of(labels or "")
        assert key not in family.samples, f"{line} comes twice"
        family.samples[key] = float(number)
    for name, family in families.items():
        if family.type == "histogram":
            check_histogram(name, family)
    return families


def check_histogram(name, family):
    """Buckets that grow, up to a count that is told beside them."""
    series = {labels for sample, labels in family.samples if sample == f"{name}_count"}
    assert len(family.samples) == len(series) * (len(SECONDS) + 3), name
    for labels in series:
        buckets = sorted((float(dict(with_bound)["le"].replace("+Inf", "inf")), number)
                         for (sample, with_bound), number in family.samples.items()
                         if sample == f"{name}_bucket" and frozenset(label for label in with_bound if label[0] != "le") == labels)
        counts = [number for _, number in buckets]
        assert counts == sorted(counts) and counts[-1] == family.samples[f"{name}_count", labels], (name, labels)


def scrape(service):
    answer = service.get("/metrics")
    assert answer.status == 200 and answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8", answer
    return read(answer.body.decode())


def value(families, name, /, **labels):
    """The number of one sample; 0 where there is no such sample in its family."""
    base = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end) and name not in families), name)
    return families[base].samples.get((name, frozenset(labels.items())), 0)


def requests(families):
    """(method, route, status) -> how many."""
    counts = {}
    for (name, labels), number in families[DURATIONS].samples.items():
        if name.endswith("_count"):
            known = dict(labels)
            counts[known["http_request_method"], known["http_route"], known["http_response_status_code"]] = int(number)
    return counts


# --- Prometheus ---


def program(name):
    """prometheus or promtool."""
    found = ROOT / "build" / "promtool" / name
    found = found if found.is_file() else shutil.which(name)
    assert found, f"{name} is missing: tools/setup test brings it"
    return found


def promtool(*arguments, text=None):
    return subprocess.run([program("promtool"), *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60,
                          check=False, cwd=ROOT)


def check_by_promtool(text):
    """Prometheus' own parser, and its rules for names and helps."""
    result = promtool("check", "metrics", text=text)
    assert result.returncode == 0 and not result.stdout and not result.stderr, result


# --- expressions ---


def dashboard_expressions():
    document = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    found = [target["expr"] for panel in panels for target in panel["targets"]]
    found += [variable["definition"] for variable in document["templating"]["list"] if variable["type"] == "query"]
    assert len(panels) > 20 and all(panel["targets"] for panel in panels)
    return found


def alert_expressions():
    return re.findall(r"^        expr: (?:\|\n)?((?:.|\n          )+)$", ALERTS.read_text(), re.MULTILINE)


def names_in(expression):
    """The metrics that an expression reads: words that are no function, outside of braces, brackets and lists of labels."""
    bare = re.sub(r'\{[^{}]*\}|\[[^\]]*\]|"[^"]*"', "", expression)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"\b[a-zA-Z_:][a-zA-Z0-9_:]*\b(?!\s*\()", bare)
    return {word for word in words if "_" in word or word == "up"}


def unknown_names(expression, families):
    known = {"up"}
    for name, family in families.items():
        known |= {name + end for end in SUFFIXES} if family.type == "histogram" else {name}
    return names_in(expression) - known


# --- the page ---


def row(name, family):
    return f"| `{name}` | {family.type} | {family.help} |\n"


def table(families):
    return TABLE_HEAD + "".join(row(name, families[name]) for name in sorted(families))


def told_on_page():
    """The rows of the table on the page."""
    text = PAGE.read_text()
    lines = text[text.index(TABLE_HEAD) + len(TABLE_HEAD):].splitlines(keepends=True)
    return list(itertools.takewhile(lambda line: line.startswith("|"), lines))


if __name__ == "__main__":
    union = {}
    for address in sys.argv[1:]:
        with urllib.request.urlopen(f"{address}/metrics") as given:
            union |= read(given.read().decode())
    print(table(union), end="")
