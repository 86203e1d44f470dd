"""When a page of the dashboard shows data, in Debian's chromium, to somebody who comes for the first time: over the same ten million
activities as the store's figures. The browser runs on the cores that the server has."""

import json
import shutil
import subprocess

import figures
import servers
from store import fill

BROWSER_SECONDS_MAX = 300

VIEWS = {"a day": "", "all of the month": "#/?last=30d"}


def visits(url, count):
    command = ["node", str(servers.ROOT / "bench/first_paint.mjs"), "--url", url, "--count", str(count)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=BROWSER_SECONDS_MAX, check=False)
    if result.returncode != 0:
        raise servers.BenchError(f"the browser did not show the page; tools/setup test installs it: {result.stderr.strip()[-1000:]}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def paint_row(server, plan, name, view):
    row = figures.Row(f"first rows of the dashboard, {name}", "ms after the browser asked", 300, 200, smaller=True)
    painted = visits(f"{server.url}/{view}", plan.page_visits)
    row.values = [one["rows"] for one in painted]
    chart, counts = (figures.statistics.median(one[part] for one in painted) for part in ("chart", "counts"))
    row.notes.append(f"the chart after {chart:.0f} ms, counts by action or user after {counts:.0f} ms; {plan.page_visits} visits over "
                     f"{plan.store_activities:,} activities")
    return row


def bench_dashboard(tools, plan, threads, folder):
    try:
        fill(tools, folder / "dashboard", threads, plan.store_activities)
        with servers.usertrail(tools, folder / "dashboard", threads, keep=True) as server:
            return [paint_row(server, plan, name, view) for name, view in VIEWS.items()]
    finally:
        shutil.rmtree(folder / "dashboard", ignore_errors=True)
