"""Alerts and dashboard: read by Prometheus' own tool, each alert shown to fire and to stay quiet. What their expressions name is
held to the program by tests/scenario and tests/distributed."""

import json
import re

import pytest

import deployment
from metrics import ALERTS, DASHBOARD, promtool

ALERTS_TEST = deployment.ROOT / "tests" / "deploy" / "alerts_test.yaml"


def alerts():
    return re.findall(r"^      - alert: (\w+)$", ALERTS.read_text(), re.MULTILINE)


def test_prometheus_reads_the_alerts():
    """Guards expressions and templates of the alerts."""
    result = promtool("check", "rules", ALERTS)
    assert result.returncode == 0 and f"{len(alerts())} rules found" in result.stdout, result
    assert len(alerts()) == len(set(alerts())) > 10


def test_prometheus_reads_the_configuration():
    """Guards the file of the README, and that it has all of the alerts. A running Prometheus has it in tests/scenario."""
    result = promtool("check", "config", ALERTS.parent / "prometheus.yml")
    assert result.returncode == 0 and f"{len(alerts())} rules found" in result.stdout, result


def test_alerts_fire_and_stay_quiet():
    """Guards each alert by series that it is for, and by such that it is not for."""
    result = promtool("test", "rules", ALERTS_TEST)
    assert result.returncode == 0, result.stdout + result.stderr
    text = ALERTS_TEST.read_text()
    for alert in alerts():
        quiet = re.findall(rf"^      - {{eval_time: \w+, alertname: {alert}}}$", text, re.MULTILINE)
        assert quiet and re.search(rf"^        alertname: {alert}\n        exp_alerts:", text, re.MULTILINE), alert


def test_an_alert_of_your_own_waits(tmp_path):
    """Guards the rule that docs/operating.md shows: quiet while Prometheus is new and while somebody records, and then it fires."""
    page = (deployment.ROOT / "docs" / "operating.md").read_text()
    rule, = re.findall(r"```yaml\n(      - alert: NobodyRecords\n.*?)```", page, re.DOTALL)
    (tmp_path / "own.yaml").write_text("groups:\n  - name: own\n    rules:\n" + rule)

    def case(values, eval_time, fires):
        told = [{"exp_labels": {"severity": "warning"}, "exp_annotations": {"summary": "nothing was recorded for ten minutes"}}]
        return {"interval": "15s", "input_series": [{"series": 'usertrail_answered_activities_total{answer="accepted"}', "values": values}],
                "alert_rule_test": [{"eval_time": eval_time, "alertname": "NobodyRecords", "exp_alerts": told if fires else []}]}

    tests = [case("0x160", "5m", False), case("0x160", "9m", False), case("0x160", "15m", True),
             case("0+1x160", "40m", False), case("0+1x40 40x120", "12m", False), case("0+1x40 40x120", "35m", True)]
    (tmp_path / "own_test.yaml").write_text(json.dumps({"rule_files": ["own.yaml"], "evaluation_interval": "15s", "tests": tests}))
    result = promtool("test", "rules", tmp_path / "own_test.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("was, becomes", [("difference != 0", "difference > 0"), ("failures_total > 0", "failures_total > 1"),
                                          ("> 0.01", "> 0.0001"), ("> 0.8", "> 0.7"), ("{state=\"failed\"} ", "")])
def test_the_tests_of_alerts_see_a_change(tmp_path, was, becomes):
    """Negative control: with another bound or without a label the tests of the alerts fail."""
    text = ALERTS.read_text()
    assert text.count(was) == 1
    (tmp_path / "alerts.yaml").write_text(text.replace(was, becomes))
    test = ALERTS_TEST.read_text().replace("../../deploy/prometheus/alerts.yaml", "alerts.yaml")
    (tmp_path / "alerts_test.yaml").write_text(test)
    assert promtool("test", "rules", tmp_path / "alerts_test.yaml").returncode == 1


def test_prometheus_reads_the_expressions_of_the_dashboard(tmp_path):
    """Guards the dashboard against an expression that shows nothing but an error, and its panels against overlapping."""
    document = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [{"record": f"panel_{number}", "expr": expression.replace("$__rate_interval", "1m")}
             for number, expression in enumerate(expressions)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = promtool("check", "rules", tmp_path / "rules.yaml")
    assert result.returncode == 0 and f"{len(rules)} rules found" in result.stdout, result
    taken = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
