"""A real Prometheus that reads its configuration, its alerts and the expressions of the dashboard out of deploy/, as somebody who
follows the README has it; only the times are shorter."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

import metrics
import service as services
import wire

CONFIGURATION = metrics.ALERTS.parent / "prometheus.yml"
TARGET = "127.0.0.1:3000"
CHOICES = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}  # what Grafana puts in, with all jobs and instances chosen


class Prometheus:
    """Looks at these services five times a second; ends and leaves nothing behind with close()."""

    def __init__(self, *watched):
        self.watched = watched
        self.home = Path(tempfile.mkdtemp(prefix="usertrail-prometheus-"))
        self.port = services.free_port()
        text = CONFIGURATION.read_text()
        assert text.count(TARGET) == 1 and text.count("_interval: 15s") == 2
        targets = '", "'.join(f"127.0.0.1:{service.port}" for service in watched)
        (self.home / CONFIGURATION.name).write_text(text.replace(TARGET, targets).replace("_interval: 15s", "_interval: 200ms"))
        alerts = metrics.ALERTS.read_text()
        (self.home / metrics.ALERTS.name).write_text(alerts.replace("for: 1m\n", "for: 1s\n"))
        with open(self.home / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(
                [metrics.program("prometheus"), f"--config.file={self.home / CONFIGURATION.name}",
                 f"--storage.tsdb.path={self.home / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, cwd=self.home)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home)

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=20 * services.PATIENCE) as answer:
            return json.load(answer)["data"]

    def scrapes(self):
        """The fewest of any service, 0 before the first."""
        try:
            counts = self.query("count_over_time(up[5m])")
        except OSError:
            assert self.process.poll() is None, (self.home / "stderr").read_text()
            return 0
        return min((int(count) for count in counts), default=0) if len(counts) == len(self.watched) else 0

    def wait_scrapes(self, count):
        """Rates need two."""
        wire.wait_until(lambda: self.scrapes() >= count, f"{count} scrapes", 30 * services.PATIENCE, 0.1)

    def query(self, expression):
        """The values of all series that an expression of the dashboard has now."""
        for variable, choice in CHOICES.items():
            expression = expression.replace(variable, choice)
        return [series["value"][1] for series in self.ask("query", query=expression)["result"]]

    def alerts(self):
        """Name -> inactive, pending or firing."""
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        assert all(rule["health"] != "err" for rule in rules), rules
        return {rule["name"]: rule["state"] for rule in rules}


@contextlib.contextmanager
def watching(*watched):
    prometheus = Prometheus(*watched)
    try:
        yield prometheus
    finally:
        prometheus.close()
