"""The systemd unit, as it stands and as the package of Debian brings it: understood as a whole, and exposed little."""

import os
import re

import pytest

import deployment

EXPOSURE_MAX = 1.5  # of 10, as systemd-analyze counts


@pytest.fixture(params=[deployment.UNIT, deployment.PACKAGED_UNIT], ids=["as it stands", "in a package"])
def unit(request, tmp_path):
    """The unit with the program that is tested in the place of the installed one, which need not be there."""
    copy = tmp_path / "usertrail.service"
    copy.write_text(re.sub("(?m)^ExecStart=/usr/(local/)?bin/usertrail", f"ExecStart={deployment.BINARY}", request.param.read_text()))
    return copy


def analyze(*arguments):
    return deployment.run("systemd-analyze", *arguments, environment={**os.environ, "SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"})


def test_systemd_understands_it(unit):
    """Guards keys and values, of which systemd would ignore what it does not know."""
    result = analyze("verify", "--man=no", unit)
    about_it = [line for line in result.stderr.splitlines() if "usertrail" in line]
    assert result.returncode == 0 and not about_it, result.stderr


def test_it_is_exposed_little(unit):
    """Guards the hardening against a line that is lost."""
    result = analyze("security", "--offline=true", "--no-pager", unit)
    assert result.returncode == 0, result.stderr
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout).group(1))
    assert exposure <= EXPOSURE_MAX, result.stdout


def test_it_may_do_what_it_must():
    """Guards the folder that it writes, the time that its end takes, and that wrong settings are not tried again and again."""
    environment = deployment.unit_environment()
    defaults = deployment.defaults()
    assert deployment.unit_values("StateDirectory") == ["usertrail"] and environment["USERTRAIL_DATA_DIR"] == "/var/lib/usertrail"
    assert environment["USERTRAIL_LISTEN"] == "127.0.0.1:3000"
    takes = sum(deployment.seconds_of(defaults[key]) for key in ("USERTRAIL_SHUTDOWN_DELAY", "USERTRAIL_DRAIN_TIMEOUT"))
    assert deployment.seconds_of(deployment.unit_values("TimeoutStopSec")[0]) >= takes + 10
    assert deployment.unit_values("RestartPreventExitStatus") == ["2"]
    # An older systemd does not know notify-reload, so that stands in a file of its own, which takes the command away, too.
    assert deployment.unit_values("Type") == ["notify"] and deployment.unit_values("ExecReload")
    drop_in = deployment.UNIT.with_suffix(".service.d") / "notify-reload.conf"
    assert re.findall(r"(?m)^(?!#).+", drop_in.read_text()) == ["[Service]", "Type=notify-reload", "ExecReload="]
    assert deployment.unit_values("ExecStart") == ["/usr/local/bin/usertrail serve"]
