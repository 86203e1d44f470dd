"""The README and the page of the command line: somebody who types what stands there gets what stands there; and no page leads
nowhere or is missing from the list of pages."""

import json
import re
import shutil
import signal
import subprocess

import pytest

import metrics
import pages
import pair
import service as services
import terminal
import wire
from signing import Keys, needs_openssl

ADDRESS = "http://127.0.0.1:3000"
README = "../README.md"
SAMPLE = services.ROOT / "docs" / "sample-activities.json"
TOUR, ALERT = "A tour of sixty seconds", "Set an alert"

# They show answers of the default pair. What the commands do in other builds has tests of its own.
pytestmark = [pair.names_its_own, pytest.mark.skipif(services.SANITIZED, reason="the release build has shown it"),
              pytest.mark.skipif(shutil.which("curl") is None, reason="the curl command is missing")]


# --- what is typed ---


def lay_desk(service, folder):
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "usertrail").symlink_to(services.BINARY.resolve())
    (folder / "data").symlink_to(service.data)
    for name in ("docs", "deploy"):
        (folder / name).symlink_to(services.ROOT / name)
    return folder


@pytest.fixture
def desk(make_service, tmp_path):
    """(service, folder to type in): the folder of the repository, as far as pages name it, with the service's data in it."""
    service = make_service().start()
    return service, lay_desk(service, tmp_path)


def path_of(folder):
    """The environment in which other programs of the pages are found, too."""
    return services.environment({"PATH": f"{folder / 'build'}:{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"})


def run(command, service, folder, code=0):
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", command.replace(ADDRESS, service.url)], cwd=folder,
                            env=path_of(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * services.PATIENCE, check=False)
    assert result.returncode == code, (command, result)
    return result.stdout


def run_to_first_line(command, service, folder):
    """For a command that goes on until it is interrupted: what it says first, and then it ends by that."""
    words = ["bash", "-euc", "exec " + command.replace(ADDRESS, service.url)]
    with subprocess.Popen(words, cwd=folder, env=path_of(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20 * services.PATIENCE)
        finally:
            process.kill()
    assert line.strip() and process.returncode == -signal.SIGINT, (command, line, process.returncode)


def show(command, service, folder):
    """What a command of the program shows on a terminal."""
    program, *arguments = command.replace(ADDRESS, service.url).split()
    assert program == "build/usertrail"
    return terminal.COLOUR.sub("", terminal.show(*arguments, columns=100, folder=folder))


def of_section(page, title):
    """(language, text) of each block of a section."""
    text = (services.ROOT / "docs" / page).read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return pages.FENCE.findall(text)


# --- README ---


def test_the_tour_of_the_readme(desk):
    """Guards the first minute: what is recorded is shown, found and exported by the commands as they stand there."""
    service, folder = desk
    post, answer, many, query, table, export = [text for _, text in of_section(README, TOUR)]
    answered = run(post, service, folder)
    assert pages.same_shape("json", answer, answered) and json.loads(answered)["durability"] == json.loads(answer)["durability"]
    stored = json.loads(run(many, service, folder))
    assert stored["accepted"] == len(json.loads(SAMPLE.read_text())) and stored["rejected"] == 0
    service.wait_settled()
    assert show(query, service, folder) == table
    run(export, service, folder)
    assert len((folder / "user-101.csv").read_text().splitlines()) == len(table.splitlines())
    assert json.loads((folder / "user-101.ndjson").read_text().splitlines()[-1]) == {
        "type": "end", "userId": "user-101", "activities": len(table.splitlines()) - 1, "refused": 0}
    single, = re.findall(r"`(curl '[^`]*)`", (services.ROOT / "README.md").read_text())
    assert json.loads(run(single, service, folder))["results"] == len(table.splitlines()) - 1


def test_the_alert_of_the_readme(desk):
    """Guards the commands of the alert: Prometheus starts with the configuration and the alerts that they name. That these fire is
    shown by test_465_prometheus.py."""
    service, folder = desk
    blocks = [text for language, text in of_section(README, ALERT) if language == "sh"]
    install, serve = blocks[0].splitlines()
    assert install.startswith("sudo apt-get install") and install.endswith(" prometheus")
    (folder / "bin").mkdir()
    for name in ("prometheus", "promtool"):
        (folder / "bin" / name).symlink_to(metrics.program(name))
    port = services.free_port()
    with open(folder / "stderr", "wb") as stderr:
        process = subprocess.Popen(["bash", "-c", f"exec {serve}".replace(":9091", f":{port}")], cwd=folder, stderr=stderr,
                                   env=path_of(folder), stdin=subprocess.DEVNULL)
    try:
        ask = f"curl -sf http://127.0.0.1:{port}/api/v1/rules || true"
        rules = wire.wait_until(lambda: run(ask, service, folder), "Prometheus answers", 20 * services.PATIENCE, 0.1)
        assert {rule["name"] for group in json.loads(rules)["data"]["groups"] for rule in group["rules"]} >= {"UsertrailDown"}
        assert run(blocks[1].replace(":9091", f":{port}"), service, folder).strip() == ""
    finally:
        process.kill()
        process.wait()


# --- docs/commands.md ---


@pytest.mark.parametrize("title", ["Looking into a folder", "Asking a server", "Importing"])
def test_the_commands_of_the_page(desk, title):
    """Guards the commands of docs/commands.md: each does what it says and ends with 0, in the order in which they stand there."""
    service, folder = desk
    service.record(json.loads(SAMPLE.read_text()))
    service.restart()
    (folder / "old").symlink_to(service.data)
    (folder / "2024-01.ndjson").write_text('{"userId":"a","action":"b"}\n')
    run("gzip 2024-01.ndjson", service, folder)
    (_, text), = [block for block in of_section("commands.md", title) if block[0] == "sh"]
    for line in text.splitlines():
        command = line.split("   #")[0]
        if "tail -f" in command:
            run_to_first_line(f"{command} --url {ADDRESS}", service, folder)
            continue
        if title == "Asking a server" and "--url" not in command:
            command = command.replace(" >", f" --yes --url {ADDRESS} >") if " >" in command else f"{command} --url {ADDRESS}"
        run(command, service, folder)


# --- the help of each command ---

NEEDS_KAFKA = ("replay", "forward")
PLACES = {"http://127.0.0.1:3000": "URL", "http://127.0.0.1:8080": "URL", "https://trail.example": "URL", "/mnt/backups": "."}


def examples_of_help():
    """(command, line) of every example; a line that runs on is one."""
    listed = services.run_program("help").stdout.split("Commands\n")[1].split("\n\n")[0]
    for name in (line.split()[0] for line in listed.splitlines()):
        text = services.run_program(name, "--help").stdout.partition("Examples\n")[2].split("\n\n")[0]
        yield from ((name, line.strip()) for line in text.splitlines())


def fill_desk(service, folder):
    """The files that the examples name."""
    service.record(json.loads(SAMPLE.read_text()))
    service.restart()
    run("usertrail export ./data --output activities.ndjson && gzip -k activities.ndjson && mv activities.ndjson.gz old.ndjson.gz",
        service, folder)
    run(f"curl -sf {ADDRESS}/api/v1/checkpoint -o kept.txt", service, folder)
    run(f"curl -sf -X DELETE {ADDRESS}/api/v1/users/somebody -o erased.json", service, folder)
    run("usertrail keys create --keys-file keys --scopes read --name a | tail -n 1 >key && chmod 600 key && rm keys", service, folder)
    (folder / "usertrail.conf").write_text("retention-days = 30\n")
    run("usertrail backup ./data 2026-01-14 && ln -s data before", service, folder)


@needs_openssl
def test_the_examples_of_every_help(make_service, tmp_path):
    """Guards the examples: each is accepted as it stands there, and does what it is there for."""
    signing = Keys(tmp_path)
    service = make_service("--checkpoint-key-file", signing.private).start()
    folder = lay_desk(service, tmp_path / "desk")
    (folder / "public.pem").symlink_to(signing.public)
    fill_desk(service, folder)
    count = 0
    for name, line in examples_of_help():
        if name in NEEDS_KAFKA:
            continue
        command = line
        for place, here in PLACES.items():
            command = command.replace(place, service.url if here == "URL" else here)
        if name == "serve":
            command = command.replace("usertrail serve", "usertrail check-config")
        if "tail -f" in command or name in ("erase", "refused", "health"):
            command += "" if "--url" in command else f" --url {service.url}"
        if name == "erase" and "--yes" not in command:
            command += " --yes"
        if name == "restore":
            command = command.replace(" ./data ", " ./again ")
        (run_to_first_line if "tail -f" in command else run)(command, service, folder)
        count += 1
    assert count > 25


# --- all pages ---


def all_pages():
    root = services.ROOT
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def anchors(path):
    """As GitHub makes them of titles."""
    text = pages.FENCE.sub("", path.read_text())
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere():
    """Guards the pages against files and titles that were renamed."""
    wrong, count = [], 0
    for page in all_pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", pages.FENCE.sub("", page.read_text())):
            if re.match(r"https?:", target):
                continue
            count += 1
            file, _, title = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            if not path.exists() or title and title not in anchors(path):
                wrong.append(f"{page.relative_to(services.ROOT)}: {target}")
    assert count > 100 and not wrong, wrong


def test_every_page_is_listed():
    """Guards docs/README.md against a page that nobody finds."""
    listed = (services.ROOT / "docs" / "README.md").read_text()
    names = {path.name for path in (services.ROOT / "docs").glob("*.md")} - {"README.md"}
    missing = [name for name in names if f"({name})" not in listed]
    assert not missing, missing


def test_tuning_names_what_there_is():
    """Guards docs/tuning.md against settings and metrics that were renamed."""
    text = (services.ROOT / "docs" / "tuning.md").read_text()
    settings = set(re.findall(r"^\| `(--[a-z-]+)`", services.run_program("configuration").stdout, re.MULTILINE))
    named = set(re.findall(r"--[a-z][a-z-]*", text)) - {"--kafka", "--output"}
    assert len(named) > 30 and not named - settings, named - settings
    told = "".join(metrics.told_on_page())
    assert not [name for name in re.findall(r"`((?:usertrail|process)_\w+)`", text) if f"`{name}`" not in told]
