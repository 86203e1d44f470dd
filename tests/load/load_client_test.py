"""Negative controls of the load client: load_client_test.py PATH-OF-USERTRAIL-LOAD

A check that never fails proves nothing. So a stand-in for the service does each kind of wrong on
purpose, and the check must name that kind, that often, and no other. Standard library only.
"""

import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
WRONGS = ("missing", "doubled", "altered", "neverSent", "rejectedStored", "outOfOrder")
COUNT = 400
EVERY = 50
FAULTY = COUNT // EVERY


class Service:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "stand_in_server.py", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


class LoadClientTest(unittest.TestCase):
    client = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.ledger = os.path.join(folder.name, "ledger")

    def call(self, command, service, *arguments):
        """Returns (exit code, figures, stderr)."""
        result = subprocess.run(
            [self.client, command, "--url", service.url, "--json", "-", *map(str, arguments)],
            capture_output=True, text=True, timeout=60, check=False)
        figures = json.loads(result.stdout) if result.stdout.startswith("{") else None
        return result.returncode, figures, result.stderr

    def run_load(self, service, *arguments, code=0):
        got, figures, errors = self.call(
            "run", service, "--ledger", self.ledger, "--connections", 4, "--count", COUNT, *arguments)
        self.assertEqual(got, code, errors)
        total = sum(figures[name] for name in ("acknowledged", "rejected", "refused", "unknown"))
        self.assertEqual(figures["sent"], total)
        return figures

    def check(self, service, *arguments, wait=0.2):
        return self.call("check", service, "--ledger", self.ledger, "--wait-seconds", wait, *arguments)

    def assert_wrongs(self, service, *arguments, **wanted):
        """Exactly these wrongs, walking through all and by user."""
        for way in ((), ("--by-user",)):
            code, verdict, errors = self.check(service, *way, *arguments)
            self.assertIsNotNone(verdict, errors)
            found = {name: verdict[name] for name in WRONGS if verdict[name]}
            self.assertEqual(found, wanted, way)
            self.assertEqual(code, 1 if wanted else 0)

    def test_a_good_service_holds_in_every_way_of_sending(self):
        with Service() as service:
            for ways in ((), ("--batch", 30), ("--server-ids",), ("--server-ids", "--batch", 7),
                         ("--ordered-user-per-connection",), ("--evenly", "--bytes", 2000, "--users", 7),
                         ("--ordered-user-per-connection", "--server-ids", "--batch", 3)):
                self.run_load(service, *ways)
            code, verdict, _ = self.check(service)
            self.assertEqual((code, verdict["stored"], verdict["inOrder"]), (0, 7 * COUNT, 2 * COUNT))
            self.assert_wrongs(service)

    def test_chunked_answers_are_read(self):
        with Service("--chunked") as service:
            self.run_load(service)
            self.assert_wrongs(service)

    def test_rows_of_others_are_left_alone(self):
        with Service() as service:
            self.run_load(service)
            first, self.ledger = self.ledger, self.ledger + "-second"
            self.run_load(service, "--server-ids")
            self.assertEqual(self.check(service)[1]["foreign"], COUNT)
            self.ledger = first
            self.assertEqual(self.check(service)[0], 0)

    def assert_fault(self, fault, *sending, code=0, **wanted):
        with Service("--fault", fault, "--every", EVERY) as service:
            figures = self.run_load(service, *sending, code=code)
            self.assert_wrongs(service, **wanted)
            return figures

    def test_loss_is_seen(self):
        self.assert_fault("lose", missing=FAULTY)

    def test_loss_within_arrays_is_seen(self):
        self.assert_fault("lose", "--batch", 20, missing=FAULTY)

    def test_loss_of_server_ids_is_seen(self):
        self.assert_fault("lose", "--server-ids", missing=FAULTY)

    def test_doubles_are_seen(self):
        self.assert_fault("double", doubled=FAULTY)
        os.unlink(self.ledger)
        self.assert_fault("double", "--server-ids", "--batch", 9, doubled=FAULTY)

    def test_altered_metadata_is_seen(self):
        self.assert_fault("alter-metadata", altered=FAULTY)

    def test_altered_text_of_a_number_is_seen(self):
        self.assert_fault("alter-number-text", altered=FAULTY)

    def test_an_altered_action_is_seen(self):
        self.assert_fault("alter-action", altered=FAULTY)

    def test_an_altered_user_is_seen(self):
        self.assert_fault("alter-user", altered=FAULTY)

    def test_an_altered_timestamp_is_seen(self):
        self.assert_fault("alter-timestamp", altered=FAULTY)

    def test_swapped_members_are_seen(self):
        self.assert_fault("swap-members", altered=FAULTY)

    def test_another_id_than_promised_is_seen(self):
        self.assert_fault("rename", "--server-ids", altered=FAULTY)

    def test_another_id_than_sent_is_a_loss(self):
        self.assert_fault("rename", missing=FAULTY)

    def test_what_was_never_sent_is_seen(self):
        self.assert_fault("invent", neverSent=FAULTY)
        os.unlink(self.ledger)
        self.assert_fault("invent", "--server-ids", neverSent=FAULTY)

    def test_storing_what_was_rejected_is_seen(self):
        figures = self.assert_fault("reject-but-store", code=1, rejectedStored=FAULTY)
        self.assertEqual(figures["rejected"], FAULTY)

    def test_a_swapped_order_is_seen(self):
        sending = ("--ordered-user-per-connection", "--server-ids", "--connections", 1)
        self.assert_fault("reorder", *sending, outOfOrder=FAULTY)

    def test_a_busy_service_loses_nothing(self):
        with Service("--fault", "busy", "--every", 200) as service:
            self.assertEqual(self.run_load(service)["refused"], 2)
            self.assert_wrongs(service)

    def test_unknown_outcomes_may_be_stored(self):
        with Service("--fault", "drop", "--every", EVERY) as service:
            figures = self.run_load(service, "--reconnect-seconds", 5)
            self.assertEqual((figures["unknown"], figures["connectionsBroken"]), (FAULTY, FAULTY))
            self.assert_wrongs(service)

    def test_answers_that_do_not_fit_are_seen(self):
        with Service("--fault", "wrong-id", "--every", EVERY) as service:
            self.assertEqual(self.run_load(service, code=1)["wrongAnswers"], FAULTY)
        os.unlink(self.ledger)
        with Service("--fault", "short-results", "--every", EVERY) as service:
            figures = self.run_load(service, "--batch", 10, code=1)
            self.assertEqual((figures["wrongAnswers"], figures["unknown"]), (FAULTY, FAULTY))

    def test_a_late_worker_is_waited_for(self):
        with Service("--fault", "late", "--every", EVERY) as service:
            self.run_load(service)
            self.assertEqual(self.check(service, wait=0)[0], 1)
            self.assertEqual(self.check(service, wait=20)[0], 0)

    def test_an_expected_loss(self):
        with Service("--fault", "lose", "--every", EVERY) as service:
            self.run_load(service)
            self.assertEqual(self.check(service, "--expect-loss")[0], 0)
        os.unlink(self.ledger)
        with Service() as service:
            self.run_load(service)
            self.assertEqual(self.check(service, "--expect-loss")[0], 1)

    def test_a_killed_service_loses_and_the_next_run_goes_on(self):
        with Service("--die-after", 150) as service:
            figures = self.run_load(service)
            self.assertLess(figures["sent"], COUNT)
            self.assertGreaterEqual(figures["unknown"], 1)
        with Service() as service:
            self.run_load(service)
            code, verdict, _ = self.check(service)
            self.assertEqual((code, verdict["missing"]), (1, figures["acknowledged"]))
            self.assertEqual(verdict["acknowledged"], figures["acknowledged"] + COUNT)

    def test_told_to_wait_it_waits_and_then_gives_up(self):
        with Service("--die-after", 150) as service:
            started = time.monotonic()
            self.run_load(service, "--reconnect-seconds", 0.5, code=1)
            self.assertGreater(time.monotonic() - started, 0.5)

    def test_a_killed_client_leaves_a_ledger_that_goes_on(self):
        with Service() as service:
            client = subprocess.Popen([self.client, "run", "--url", service.url, "--ledger", self.ledger,
                                       "--seconds", "60", "--quiet"])
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not self.ledger_has_more_than(20_000):
                time.sleep(0.01)
            client.kill()
            client.wait(10)
            self.run_load(service)
            self.assert_wrongs(service)

    def ledger_has_more_than(self, size):
        with contextlib.suppress(FileNotFoundError):
            return os.path.getsize(self.ledger) > size
        return False

    def test_a_planned_rate_counts_from_the_plan(self):
        """A service that needs longer than the plan allows shows a growing wait, not its own quickness."""
        with Service("--fault", "busy", "--every", 100) as service:
            figures = self.run_load(service, "--rate", 2000, "--connections", 1)
            # Each 503 pauses the only connection for a second; two hundred planned requests and more wait behind it.
            self.assertGreater(figures["latencyMicroseconds"]["p50"], 500_000)
            self.assertEqual(figures["acknowledged"], COUNT - 4)
        with Service() as service:
            figures = self.call("run", service, "--rate", 200, "--seconds", 1)[1]
            self.assertAlmostEqual(figures["sent"], 200, delta=5)

    def test_a_history_lies_in_the_past(self):
        """Guards benchmarks: times rise over the days asked for, within 2 s, and ids are UUIDv7 of these times."""
        with Service() as service:
            code, figures, errors = self.call("run", service, "--connections", 1, "--count", 500, "--batch", 100,
                                              "--history-days", 10, "--users", 100)
            self.assertEqual((code, figures["acknowledged"]), (0, 500), errors)
            with urllib.request.urlopen(f"{service.url}/api/v1/activities?limit=1000&order=asc") as answer:
                rows = json.load(answer)["data"]
        self.assertEqual(len(rows), 500)
        begin = time.time() - 10 * 86400
        step = 10 * 86400 / 500
        for row in rows:
            self.assertRegex(row["id"], "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
            self.assertRegex(row["userId"], "^u0000[0-9a-f]{2}$")
            id_time = int(row["id"][:8] + row["id"][9:13], 16) / 1000
            number = round((id_time - begin) / step)
            self.assertTrue(-1 <= number <= 500, number)
            happened = datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")).timestamp()
            self.assertLessEqual(abs(happened - id_time), 2.01)

    def test_fields_of_the_command_line_are_sent(self):
        """Guards benchmarks with keys: each request has the fields that were asked for, and connections take a file's in turn."""
        fields = f"{self.ledger}-fields"
        pathlib.Path(fields).write_text("X-Set: 0\nX-Set: 1\nX-Set: 2\n")
        with Service() as service:
            self.run_load(service, "--header", "X-One: a", "--key", "k", "--header", "X-Two: b", "--header-file", fields,
                          "--connections", 6)
            self.assertEqual(self.check(service, "--key", "k", "--header", "X-One: c")[0], 0)
            with urllib.request.urlopen(f"{service.url}/fields") as answer:
                told = json.load(answer)
        questions = told.pop("GET Bearer k c")
        self.assertGreater(questions, 0)
        self.assertEqual(set(told), {"POST a Bearer k b 0", "POST a Bearer k b 1", "POST a Bearer k b 2"})
        self.assertEqual(sum(told.values()), COUNT)

    def test_wrong_usage_is_named(self):
        with Service() as service:
            for arguments in (("--connections", 0), ("--count", "many"), ("--frobnicate",), ("stray",),
                              ("--history-days", 3), ("--history-days", 3, "--count", 9, "--ledger", "x"),
                              ("--header", "Host: x"), ("--header", "X: a\r\nY: b"), ("--header-file", "/nonexistent"),
                              ("--header-file", "/dev/null"), ("--key", "a\nb"), ("--key", 2048 * "k")):
                self.assertEqual(self.call("run", service, *arguments)[0], 2, arguments)
            self.assertEqual(self.call("check", service)[0], 2)
            self.assertEqual(self.call("check", service, "--ledger", "/nonexistent")[0], 2)
        self.assertEqual(subprocess.run([self.client], capture_output=True, check=False).returncode, 2)


if __name__ == "__main__":
    LoadClientTest.client = sys.argv.pop(1)
    unittest.main()
