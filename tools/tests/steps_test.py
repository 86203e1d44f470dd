#!/usr/bin/env python3
"""What steps.py counts is what the test programs said, in the words of both cmocka releases, and nothing that failed to run
is lost from the sum."""

import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOOLS))

import run_pairs  # noqa: E402 (found through the line above)
import steps  # noqa: E402

CMOCKA_1_1_5 = """[==========] Running 3 test(s).
[ RUN      ] test_ok
[       OK ] test_ok
[ RUN      ] test_skip
[  SKIPPED ] test_skip
[ RUN      ] test_bad
[  ERROR   ] --- 0x3 != 0x4
[  FAILED  ] test_bad
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] test_skip

 1 SKIPPED TEST(S)
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] test_bad

 1 FAILED TEST(S)
"""
CMOCKA_1_1_7 = CMOCKA_1_1_5.replace("[==========] ", "[==========] t: ").replace(" ] 1 test(s), listed", " ] t: 1 test(s), listed")


class Counting(unittest.TestCase):
    def test_both_releases(self):
        for text in (CMOCKA_1_1_5, CMOCKA_1_1_7):
            self.assertEqual(steps.count_cmocka(text, False), steps.Counts(1, 1, 1))

    def test_several_groups(self):
        self.assertEqual(steps.count_cmocka(CMOCKA_1_1_5 + CMOCKA_1_1_7, False), steps.Counts(2, 2, 2))

    def test_crash_is_a_failure(self):
        text = "[==========] Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"
        self.assertEqual(steps.count_cmocka(text, False), steps.Counts(1, 1, 0))

    def test_sanitizer_report_after_good_cases_is_a_failure(self):
        text = "[ RUN      ] a\n[       OK ] a\n[==========] 1 test(s) run.\n[  PASSED  ] 1 test(s).\n==1==ERROR: LeakSanitizer\n"
        self.assertEqual(steps.count_cmocka(text, False), steps.Counts(1, 1, 0))

    def test_other_programs_are_one_case(self):
        self.assertEqual(steps.count_cmocka("seed 42\n", True), steps.Counts(1, 0, 0))
        self.assertEqual(steps.count_cmocka("", False), steps.Counts(0, 1, 0))

    def test_ctest_report(self):
        text = ('<testsuite><testcase name="a" status="run"><system-out>[       OK ] x\n[       OK ] y\n</system-out></testcase>'
                '<testcase name="b" status="notrun"><system-out>no such program</system-out></testcase></testsuite>')
        counts = self.read(steps.count_ctest_report, text)
        self.assertEqual(counts, steps.Counts(2, 1, 0))
        self.assertEqual(counts.failures, ["b: no such program"])

    def test_pytest_report(self):
        text = '<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10"/></testsuites>'
        self.assertEqual(self.read(steps.count_pytest_report, text), steps.Counts(4, 3, 3))

    def test_failed_cases_of_a_pytest_report_are_named(self):
        text = ('<testsuites><testsuite errors="1" failures="1" skipped="0" tests="3"><testcase classname="t" name="fine"/>'
                '<testcase classname="t" name="one"><failure message="assert 1 == 2&#10;more">trace</failure></testcase>'
                '<testcase classname="t" name="two"><error message="no server"/></testcase></testsuite></testsuites>')
        self.assertEqual(self.read(steps.count_pytest_report, text).failures, ["t.one: assert 1 == 2", "t.two: no server"])

    def read(self, count, text):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.xml")
            report.write_text(text)
            return count(report)


class Choosing(unittest.TestCase):
    def test_every_file_of_tests_is_run_once(self):
        all_patterns = [patterns for name, patterns in {**steps.PYTESTS, **steps.SERVER_PYTESTS}.items()
                        if name not in steps.PYTEST_ENVIRONMENTS]  # which run some once more
        chosen = [path for patterns in all_patterns for pattern in patterns for path in steps.ROOT.glob(pattern)]
        folders = ("http", "scenario", "deploy", "servers", "distributed")
        there = [path for folder in folders for path in steps.ROOT.glob(f"tests/{folder}/test_*.py")]
        self.assertEqual(sorted(chosen), sorted(there))
        self.assertTrue(all(any(steps.ROOT.glob(pattern)) for patterns in all_patterns for pattern in patterns))

    def test_every_other_pair_is_run(self):
        logs, stores = ("local", "kafka", "memory"), ("local", "mongodb", "memory")
        wanted = {f"{log},{store}" for log in logs for store in stores} - {"local,local"}
        self.assertEqual(sorted(run_pairs.PAIRS), sorted(wanted))
        self.assertTrue(all(any(run_pairs.SCENARIO.glob(pattern)) for pattern in run_pairs.FILES))


class Running(unittest.TestCase):
    """With the output of the runner kept away from the test's own."""

    def setUp(self):
        self.runner = steps.Runner("check-logs")
        self.kept, sys.stdout = sys.stdout, open("/dev/null", "w")

    def tearDown(self):
        sys.stdout.close()
        sys.stdout = self.kept

    def run_steps(self, *chosen):
        for step in chosen:
            self.runner.run(step)
        return self.runner.finish(), self.runner.total

    def test_success(self):
        self.assertEqual(self.run_steps(steps.Step("a trial", ["true"])), (0, steps.Counts()))

    def test_failure_and_what_needs_it(self):
        after = steps.Step("a trial after", ["true"], needs=("a trial",))
        self.assertEqual(self.run_steps(steps.Step("a trial", ["false"]), after), (1, steps.Counts(0, 2, 0)))

    def test_time_limit(self):
        self.assertEqual(self.run_steps(steps.Step("a trial", ["sleep", "60"], timeout_seconds=1)), (1, steps.Counts(0, 1, 0)))

    def test_refused_words(self):
        step = steps.Step("a trial", ["echo", "x.c: warning: odd"], refuse="warning:")
        self.assertEqual(self.run_steps(step), (1, steps.Counts(0, 1, 0)))

    def test_processor_time_is_that_of_children_too(self):
        burn = "import os, time\nwhile time.process_time() < 0.3: pass"
        self.run_steps(steps.Step("a trial", ["sh", "-c", f"{sys.executable} -c '{burn}'; sleep 1"]))
        (_, end, _), = self.runner.rows
        self.assertTrue(0.3 <= end.processor_seconds < end.seconds, end)

    def test_a_step_that_yields(self):
        waits = ["sh", "-c", "until [ $(nice) = 19 ]; do sleep 0.01; done; ! grep nice /proc/self/autogroup | grep -v 19"]
        ends = steps.Step("a trial", waits, timeout_seconds=20, yields=True)
        self.assertEqual(self.run_steps(ends), (0, steps.Counts()))
        self.assertTrue(self.runner.has_run(ends))

    def test_report_not_written(self):
        count = steps.report_counter(steps.count_pytest_report, steps.ROOT / "build/check-logs/none.xml")
        self.assertEqual(self.run_steps(steps.Step("a trial", ["true"], count=count)), (1, steps.Counts(0, 1, 0)))


if __name__ == "__main__":
    unittest.main()
