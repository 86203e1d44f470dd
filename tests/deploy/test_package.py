"""What the package of Debian brings beside the program. That it installs and starts is shown in clean roots
(tools/check_clean_root --package)."""

import os
import re

import pytest

import deployment

FILES = deployment.ROOT / "deploy" / "debian"
SETTINGS = FILES / "usertrail.conf"
SCRIPTS = ("postinst", "prerm", "postrm")


def check_config(path):
    return deployment.run(deployment.BINARY, "check-config", "--config", path)


def test_the_unit_is_the_one_without_a_package():
    """Guards the hardening: of what the service may do nothing differs, and nothing of another installation is left."""
    without, packaged = (path.read_text().splitlines() for path in (deployment.UNIT, deployment.PACKAGED_UNIT))
    assert [line for line in packaged if line not in without and not line.startswith("#")] == [
        "ExecStart=/usr/bin/usertrail serve --config /etc/usertrail/usertrail.conf", "User=usertrail", "Group=usertrail"]
    assert {line.partition("=")[0] for line in without if line not in packaged and not line.startswith("#")} == {
        "Environment", "ExecStart", "DynamicUser"}


def test_its_settings_are_those_of_the_unit(tmp_path):
    """Guards an installation without a word changed: the folder and address that the unit, the scripts and the pages speak of."""
    assert check_config(SETTINGS).returncode == 0
    lines = dict(re.findall(r"(?m)^([a-z-]+) = (.*)$", SETTINGS.read_text()))
    variables = {f"USERTRAIL_{name.upper().replace('-', '_')}": value for name, value in lines.items()}
    assert variables == {**deployment.unit_environment(), "USERTRAIL_DATA_DIR": "/var/lib/usertrail"}


def test_settings_to_choose_from_are_right(tmp_path):
    """Guards the lines that only wait to be uncommented."""
    keys = tmp_path / "keys"
    assert deployment.run(deployment.BINARY, "keys", "create", "--keys-file", keys, "--name", "a", "--scopes", "read").returncode == 0
    chosen = tmp_path / "usertrail.conf"
    text, count = re.subn(r"(?m)^#(?=[a-z-]+ = )", "", SETTINGS.read_text())
    chosen.write_text(text.replace("/etc/usertrail/keys\n", f"{keys}\n"))
    result = check_config(chosen)
    assert result.returncode == 0 and count >= 3, result.stderr
    chosen.write_text(chosen.read_text() + "retention-dayz = 3\n")
    assert check_config(chosen).returncode == 2


def test_the_pages_lead_somewhere(tmp_path):
    """Guards the pages of an installation: what the README and the list of pages lead to is there, and so is what Prometheus reads."""
    # By DESTDIR, since the settings have a place of their own, /etc.
    result = deployment.run("cmake", "--install", deployment.BUILD_FOLDER, "--prefix", "/usr",
                            environment={**os.environ, "DESTDIR": str(tmp_path)})
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "usr" / "share" / "doc" / "usertrail"
    for page in (folder / "README.md", folder / "docs" / "README.md", folder / "docs" / "operating.md"):
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        assert links and not [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert {path.name for path in (folder / "deploy").rglob("*.*")} == {"alerts.yaml", "prometheus.yml", "usertrail.json"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_read_by_a_plain_shell(script):
    """Guards against what only a richer shell understands, and against data that goes with a package."""
    assert deployment.run("dash", "-n", FILES / script).returncode == 0
    text = (FILES / script).read_text()
    assert text.startswith("#!/bin/sh\n") and "set -e\n" in text and " rm " not in text and "userdel" not in text
