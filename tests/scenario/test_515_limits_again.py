"""Limits that become others while a service runs: by SIGHUP, all of them or none, and no bucket is full again for it."""

import concurrent.futures
import contextlib
import itertools
import re
import signal
import threading

import pytest

import keys
import service as services
import wire

LIST = services.COLLECTION
CHEAP = "/api/v1/checkpoint"  # answered 404 by the loop itself, where nobody signs any
KEY, ADDRESS = "limit-key", "limit-address"


def reloads(service):
    return service.get("/health").json["reloads"]


def told(answer):
    """(burst, what is left) by whose limit it is, as an answer tells it; nothing where there is none."""
    policy, standing = (answer.header(name) or "" for name in ("ratelimit-policy", "ratelimit"))
    left = dict(re.findall(r'"([a-z]+)";r=([0-9]+)', standing))
    return {name: (int(burst), int(left[name])) for name, burst in re.findall(r'"([a-z]+)";q=([0-9]+)', policy)}


class Limited:
    """A service whose limits stand in a file, with keys."""

    def __init__(self, make_service, folder, *flags, **limits):
        self.file = folder / "usertrail.conf"
        self.write(limits)
        self.keyed = keys.Keyed(make_service, folder, "--config", self.file, *flags)
        self.service = self.keyed.service

    def write(self, limits):
        self.file.write_text("".join(f"{name.replace('_', '-')} = {value}\n" for name, value in limits.items()))

    def hang_up(self, taken=True):
        before, name = reloads(self.service), "done" if taken else "refused"
        self.service.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: reloads(self.service) == {**before, name: before[name] + 1}, f"a reload that is {name}", 10)

    def change(self, taken=True, **limits):
        self.write(limits)
        self.hang_up(taken)

    def ask(self, name="all"):
        return self.keyed.ask("GET", CHEAP, name)

    def metric(self, name, whose):
        sample = f'usertrail_rate_limit_{name}{{of="{whose}"}} '
        return next(int(line[len(sample):]) for line in self.service.get("/metrics").text.splitlines() if line.startswith(sample))


def test_another_limit_refills_no_bucket(make_service, tmp_path):
    """Guards what a client used: another rate, more at once, less at once, and the next 429 says the limit of now. Rates so low
    that nothing comes back while the test runs."""
    one = Limited(make_service, tmp_path, limit_key_rate=1, limit_key_burst=10_000)
    batch = [{"userId": "u", "action": "a"} for _ in range(9_900)]
    assert told(one.keyed.ask("POST", LIST, "all", batch))["key"] == (10_000, 100)
    one.change(limit_key_rate=1, limit_key_burst=20_000)
    burst, left = told(one.ask())["key"]
    assert burst == 20_000 and 10_099 <= left <= 10_200
    one.change(limit_key_rate=1, limit_key_burst=50)
    answer = one.ask()
    while answer.status != 429:  # what a slow machine let come back
        answer = one.ask()
    assert told(answer)["key"] == (50, 0) and "1 activities or requests a second, 50 at once" in answer.text
    assert int(answer.header("retry-after")) == 1  # empty, not in debt
    assert told(one.ask("admin"))["key"] == (50, 49)  # a full one stays full
    assert one.metric("per_second", "key") == 1 and one.metric("burst", "key") == 50
    assert one.metric("per_second", "address") == one.metric("burst", "address") == 0
    assert "the limits are other ones" in one.service.stderr and "keyBurst" in one.service.stderr


def test_limits_are_turned_on_and_off(make_service, tmp_path):
    """Guards a limit that was not there at the start, one that goes, and one that comes back to a bucket as it was."""
    one = Limited(make_service, tmp_path)
    assert told(one.ask()) == {} and one.ask().header("ratelimit") is None
    one.change(limit_key_rate=1, limit_key_burst=1000, limit_address_rate=2)
    assert told(one.ask())["key"] == (1000, 999)
    while one.ask("nonsense").status != 429:
        pass
    one.change(limit_key_rate=1, limit_key_burst=1000)
    answers = [one.ask() for _ in range(20)]
    assert {answer.status for answer in answers} == {404} and "address" not in told(answers[-1])
    left = told(one.keyed.ask("POST", LIST, "all", [{"userId": "u", "action": "a"} for _ in range(800)]))["key"][1]
    one.change()
    assert [(answer.status, told(answer)) for answer in (one.ask(), one.ask())] == [(404, {})] * 2
    assert one.metric("per_second", "key") == one.metric("per_second", "address") == 0
    one.change(limit_key_rate=1, limit_key_burst=1000)
    assert left - 1 <= told(one.ask())["key"][1] < 900 and one.metric("burst", "key") == 1000


def test_without_keys_an_address_gets_a_limit(make_service, tmp_path):
    """Guards a service that had nothing of access at all: addresses get a limit, keys cannot, and then nothing changes."""
    file = tmp_path / "usertrail.conf"
    file.write_text("")
    service = make_service("--config", file).start()

    def change(text, name):
        file.write_text(text)
        before = reloads(service)
        service.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: reloads(service)[name] == before[name] + 1, f"a reload that is {name}", 10)

    assert "access" not in service.get("/health").json
    change("limit-address-rate = 1\nlimit-address-burst = 100\n", "done")
    assert told(service.get(CHEAP))["address"] == (100, 99) and service.get("/health").json["access"]["limited"] == 0
    change("limit-address-rate = 5\nlimit-key-rate = 5\nlog-level = error\n", "refused")
    assert "--limit-key-rate: there are no keys to limit" in service.stderr
    assert told(service.get(CHEAP))["address"][0] == 100
    change("", "done")
    assert told(service.get(CHEAP)) == {} and "access" not in service.get("/health").json
    assert service.stderr.count("the limits are other ones") == 2 and "another one" not in service.stderr
    assert service.stderr.count("nothing to read again") == 3  # a line of the level info, which none of them lost


def test_a_wrong_value_changes_nothing(make_service, tmp_path):
    """Guards the reload as a whole: one value is wrong, so neither the other limits nor the level are taken, which a line says and
    a counter counts; a flag and the environment override the file as at the start."""
    one = Limited(make_service, tmp_path, "--limit-key-burst", 40, limit_key_rate=1, limit_key_burst=30)
    assert told(one.ask())["key"] == (40, 39)
    for wrong in ({"limit_address_burst": -1}, {"limit_key_rate": 10_000_001}, {"limit_key_rat": 5}, {"limit_key_burst": "many"}):
        one.change(False, **{"limit_address_rate": 7, "log_level": "error", **wrong})
        assert set(told(one.ask())) == {"key"} and told(one.ask("admin"))["key"][0] == 40
    one.file.unlink()
    one.hang_up(False)
    assert one.service.stderr.count("so do the limits") == 5 and "limit-address-burst" in one.service.stderr
    assert "another one" not in one.service.stderr and reloads(one.service) == {"done": 0, "refused": 5}
    assert "\nusertrail_refused_reloads_total 5\n" in one.service.get("/metrics").text
    one.change(limit_key_rate=2, limit_key_burst=30)
    assert told(one.ask())["key"][0] == 40 and one.metric("per_second", "key") == 2


def test_limits_come_while_requests_do(make_service, tmp_path):
    """Guards requests under way, over several connections and loops: with limits that come, go and change below them they are
    answered as ever or 429, and what was accepted is stored and nothing else."""
    clients, changes = 3, 40
    one = Limited(make_service, tmp_path, "--threads", 3)
    ends = threading.Event()
    body = [{"userId": "u", "action": "a"} for _ in range(3)]

    def run(_):
        statuses = []
        while not ends.is_set():
            with contextlib.closing(one.service.connect()) as connection:
                for method, target in [("POST", LIST), ("GET", CHEAP)] * 10:
                    answer = connection.request(method, target, body if method == "POST" else None, keys.bearer(one.keyed.keys["all"]))
                    statuses.append((method, answer.status))
                    if answer.status == 429:
                        break  # which may close the connection
        return statuses

    states = itertools.cycle([{"limit_key_rate": 50, "limit_address_rate": 1_000_000}, {}, {"limit_address_rate": 40, "limit_address_burst": 7},
                              {"limit_key_rate": 1_000_000, "limit_key_burst": 9}, {"limit_key_rate": "much"}])
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(run, number) for number in range(clients)]
        try:
            for limits in itertools.islice(states, changes):
                one.change("much" not in limits.values(), **limits)
        finally:
            ends.set()
        statuses = sum((future.result() for future in running), [])
    counts = {status: statuses.count(status) for status in set(statuses)}
    assert set(counts) == {("POST", 202), ("POST", 429), ("GET", 404), ("GET", 429)}, counts
    one.change()
    one.keyed.wait_settled()
    health = one.service.get("/health").json
    assert health["worker"]["stored"] == health["requests"]["accepted"] == 3 * counts["POST", 202]
    assert health["access"]["limited"] == counts["POST", 429] + counts["GET", 429]


AGAIN = {  # what the tests here, of keys (500), rules (510), TLS (520) and the level (230) change below a service
    "reads it again": {"log-level", *(f"{limit}-{what}" for limit in (KEY, ADDRESS) for what in ("rate", "burst"))},
    "reads the file again": {"keys-file", "deny-file", "tls-cert-file", "tls-key-file"},
}


@pytest.mark.parametrize("words", AGAIN)
def test_the_reference_says_what_is_read_again(words):
    """Guards the reference, which the program prints from the table that a reload goes by."""
    text = services.run_program("configuration").stdout
    assert set(re.findall(rf"(?m)^\| `--([a-z-]+)` .* SIGHUP {words}\. \|$", text)) == AGAIN[words]
    kind = "the settings" if words == "reads it again" else "and the files that are named by"
    names = re.search(rf"(?m)^## What SIGHUP reads again\n(?:.*\n)*?{kind} (.*)", text).group(1)
    assert set(re.findall(r"`([a-z-]+)`", names)) == AGAIN[words]
