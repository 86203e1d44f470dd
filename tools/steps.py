"""Runs the steps of `make test` and `make check` one after the other: a line of progress for each, the full output of those
that fail only, and a table of times at the end. A step is a command, or a function for what is quicker done in this process.
"""

import os
import re
import select
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import run_pairs

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
SHOWN_LINES_MAX = 300  # of a failed step; the log file has all
LISTED_FAILURES_MAX = 40  # at the end of all steps
FAILURE_CHARACTERS_MAX = 240
LEAST_PRIORITY = 19  # as nice counts

# For presets whose programs run under sanitizers. The link order is not verified since tests preload a library that makes
# system calls fail; huge allocations fail as they do without a sanitizer. USERTRAIL_TEST_SANITIZED tells tests that
# programs are several times slower; a fourth of the seeds goes as many ways through the code, the release build has all of them.
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1:verify_asan_link_order=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
    "USERTRAIL_TEST_SANITIZED": "1",
    "USERTRAIL_TEST_SEEDS_SHARE": "4",
}

# The whole program: what the store on the disk can do; how it starts, ends and fares on a disk; who may do what and what is
# documented of it; what it records and answers; what it proves and counts. Then the HTTP transport alone, which drives a server of its own, and
# the files that deploy it. Many of them at the same time, since tests of processes wait a lot, and those that take long first.
PYTESTS = {
    "store scenario": ("tests/scenario/test_3[4-9]*.py",),
    "life scenario": ("tests/scenario/test_[12]*.py", "tests/scenario/test_3[0-3]*.py"),
    "access scenario": ("tests/scenario/test_[5-9]*.py",),
    "scenario": ("tests/scenario/test_0*.py",),
    "proof scenario": ("tests/scenario/test_4*.py",),
    "transport": ("tests/http/test_*.py",),
    "deployment": ("tests/deploy/test_*.py",),
}
PYTESTS_AT_ONCE = {"release": 7, "asan-ubsan": 4}
# Some of the transport's tests once more, over TLS: those where it matters how bytes come and go.
AGAIN_BY_TLS = ("010", "040", "050", "060", "080", "090", "100")
PYTESTS["transport by TLS"] = tuple(f"tests/http/test_{number}_*.py" for number in AGAIN_BY_TLS)
PYTEST_ENVIRONMENTS = {"transport by TLS": {"HTTP_TEST_TLS": "1"}}
# Files of deployment ask the program for its settings, which other builds have, too; what TLS adds to the transport has tests of
# its own that all builds run.
RELEASE_ONLY = ("deployment", "transport by TLS")
# Around a real Kafka and the stand-in for MongoDB, which take so long that only the release build has them. Apart from the
# ones above, whose deadlines would not be kept beside so much work.
SERVER_PYTESTS = {
    "server": ("tests/servers/test_*.py",),
    "outage": ("tests/distributed/test_2[01]*.py",),
    "start and spill": ("tests/distributed/test_230_starts.py", "tests/distributed/test_250_*.py", "tests/distributed/test_290_*.py"),
    "distributed": ("tests/distributed/test_1*.py", "tests/distributed/test_22*.py", "tests/distributed/test_230_clients.py",
                    "tests/distributed/test_2[4678]*.py", "tests/distributed/test_[3-9]*.py"),
}
SANITIZED_PRESETS = ("asan-ubsan", "tsan")


@dataclass
class Counts:
    """failures: the failed cases by name, each with the first line of why, as far as a report names them."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list, compare=False)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


@dataclass
class Step:
    """needs: names of steps without whose success this one cannot run. count: reads the counts after the command ended,
    given whether it succeeded; without it the step counts only when it fails. refuse: a text that must not stand in the
    output, even though the command succeeded. yields: it takes only what the steps beside it leave of the processors."""

    name: str
    command: list
    count: object = None
    needs: tuple = ()
    environment: dict = field(default_factory=dict)
    timeout_seconds: int = 1200
    refuse: str = ""
    yields: bool = False


@dataclass
class End:
    """problem: why the command did not succeed; None: it did. processor_seconds: of the command and all that it waited for,
    which other work on the machine hardly changes, as it does `seconds`."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    problem: str = None


def make_yield(pid):
    """Where the kernel divides the processors among sessions, only the session's own number counts for others."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, LEAST_PRIORITY)
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(LEAST_PRIORITY), encoding="ascii")


def end_session(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def ends_within(pid, seconds):
    """Waits for the process, which stays to be reaped."""
    watched = os.pidfd_open(pid)
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def reap(process):
    """Returns its exit code, less than 0 for a signal, and the seconds of processors that it and those it waited for had."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


class Runner:
    def __init__(self, folder):
        self.folder = ROOT / "build" / folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        self.total = Counts()
        self.rows = []
        self.broken = set()
        self.running = set()  # sessions of the commands under way

    def run(self, step):
        self.run_together([step])

    def run_together(self, steps, at_once=None):
        """Runs steps at the same time, as many as are said (None: all), that wait more than they compute and do not disturb each
        other. They begin in their order, so those that take long come first: else the processors wait for them in the end."""
        runnable = [step for step in steps if not self._miss_needs(step)]
        if not runnable:
            return
        print(f"==> {' and '.join(step.name for step in runnable)} … ", end="", flush=True)
        with ThreadPoolExecutor(at_once or len(runnable)) as pool:
            try:
                ends = list(pool.map(self._execute, runnable))
            except BaseException:
                for pid in list(self.running):
                    end_session(pid)
                raise
        if len(runnable) > 1:
            print()
        for step, end in zip(runnable, ends):
            counts = step.count(end.problem is None) if step.count else Counts()
            if end.problem and not counts.failed:
                counts.failed = 1
            if len(runnable) > 1:
                print(f"    {step.name}: ", end="")
            self._record(step, end, counts)
            if end.problem or counts.failed:
                self._show(step)

    def _miss_needs(self, step):
        missing = [need for need in step.needs if need in self.broken]
        if missing:
            print(f"==> {step.name} … ", end="")
            self._record(step, End(problem=f"not run: {missing[0]} failed"), Counts(failed=1))
        return bool(missing)

    def finish(self):
        """Prints the table, what failed, and the sum; the caller prints nothing after it. Returns the exit code."""
        width = max(len(row[0]) for row in self.rows)
        print("\n" + "step".ljust(width) + "   seconds   processor   result")
        for name, end, result in self.rows:
            print(f"{name.ljust(width)}   {end.seconds:7.1f}   {end.processor_seconds:9.1f}   {result}")
        processor_seconds = sum(end.processor_seconds for _, end, _ in self.rows)
        print(f"{'all'.ljust(width)}   {time.monotonic() - self.started:7.1f}   {processor_seconds:9.1f}\n")
        for failure in self.total.failures[:LISTED_FAILURES_MAX]:
            print(f"failed: {failure}")
        if len(self.total.failures) > LISTED_FAILURES_MAX:
            print(f"and {len(self.total.failures) - LISTED_FAILURES_MAX} more")
        print(self.total, flush=True)
        return 1 if self.total.failed else 0

    def has_run(self, step):
        return any(name == step.name for name, _, _ in self.rows)

    def _log(self, step):
        return self.folder / (re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-") + ".log")

    def _execute(self, step):
        started = time.monotonic()
        end = self._run_command(step, self._log(step))
        end.seconds = time.monotonic() - started
        return end

    def _run_command(self, step, log):
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **step.environment}
        with open(log, "wb") as output:
            process = subprocess.Popen(step.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            self.running.add(process.pid)
            if step.yields:
                make_yield(process.pid)
            in_time = False
            try:
                in_time = ends_within(process.pid, step.timeout_seconds)
            finally:
                # Whatever the step left running in its session goes with it, also on Ctrl-C.
                end_session(process.pid)
                code, processor_seconds = reap(process)
                self.running.discard(process.pid)
        problem = self._judge(step, code, log) if in_time else f"stopped after {step.timeout_seconds} s"
        return End(processor_seconds=processor_seconds, problem=problem)

    def _judge(self, step, code, log):
        """Why it did not succeed; None: it did."""
        if code == 0:
            refused = step.refuse and step.refuse in log.read_text(errors="replace")
            return f"printed \"{step.refuse}\"" if refused else None
        return f"exit code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"

    def _record(self, step, end, counts):
        if end.problem or counts.failed:
            self.broken.add(step.name)
        counted = str(counts) if counts.passed or counts.failed or counts.skipped else "fine"
        result = counted + (f" ({end.problem})" if end.problem else "")
        self.total.add(counts)
        self.rows.append((step.name, end, result))
        print(f"{result}, {end.seconds:.1f} s", flush=True)

    def _show(self, step):
        log = self._log(step)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        if len(lines) > SHOWN_LINES_MAX:
            print(f"(the last {SHOWN_LINES_MAX} of {len(lines)} lines)")
        for line in lines[-SHOWN_LINES_MAX:]:
            print(f"    {line}")
        print(f"==> {step.name} failed; its output is also in {log.relative_to(ROOT)}", flush=True)


CMOCKA_PASSED = re.compile(r"^\[ +OK \] ", re.MULTILINE)
# The last lines of a group, as "[  FAILED  ] 2 test(s), listed below:", with the group's name before the number since 1.1.6.
CMOCKA_LISTED = r"^\[ +%s +\] (?:.*: )?(\d+) test\(s\), listed below"
CMOCKA_FAILED = re.compile(CMOCKA_LISTED % "FAILED", re.MULTILINE)
CMOCKA_SKIPPED = re.compile(CMOCKA_LISTED % "SKIPPED", re.MULTILINE)


def count_cmocka(text, succeeded):
    """The cases in the output of one test program. A program that failed without naming a case (a crash, a sanitizer's
    report, a timeout) counts as one failed case; one that is not a cmocka program as one case."""
    counts = Counts(passed=len(CMOCKA_PASSED.findall(text)),
                    failed=sum(map(int, CMOCKA_FAILED.findall(text))),
                    skipped=sum(map(int, CMOCKA_SKIPPED.findall(text))))
    if not succeeded and not counts.failed:
        counts.failed = 1
    if succeeded and not (counts.passed or counts.skipped):
        counts.passed = 1
    return counts


def failure_line(name, lines):
    """One line of it: its name and the first of the given lines that says something."""
    why = next((line.strip() for line in lines if line.strip()), "")
    return f"{name}: {why}"[:FAILURE_CHARACTERS_MAX]


def count_ctest_report(path):
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        text = case.findtext("system-out") or ""
        counted = count_cmocka(text, succeeded=case.get("status") == "run")
        if counted.failed:
            errors = [line for line in text.splitlines() if "ERROR" in line or "FAILED" in line]
            counted.failures.append(failure_line(case.get("name"), errors or text.splitlines()[-1:]))
        counts.add(counted)
    return counts


def count_pytest_report(path):
    counts = Counts()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        counts.add(Counts(max(int(suite.get("tests")) - failed - skipped, 0), failed, skipped))
        for case in suite.iter("testcase"):
            counts.failures += [failure_line(f"{case.get('classname')}.{case.get('name')}", problem.get("message", "").splitlines())
                                for kind in ("failure", "error") for problem in case.iter(kind)]
    return counts


def report_counter(read, path):
    """A Step.count that reads a report the command wrote; none written means the command did not get that far."""
    def count(succeeded):
        if not path.exists():
            return Counts(failed=1)
        try:
            counts = read(path)
        except (ElementTree.ParseError, TypeError, ValueError) as problem:
            print(f"(cannot read {path.relative_to(ROOT)}: {problem}) ", end="")
            counts = Counts(failed=1)
        path.unlink()
        return counts
    return count


def build_step(preset, label, yields=False):
    refused = "" if preset in SANITIZED_PRESETS else "warning:"
    return Step(f"{label} build", ["tools/build", preset], timeout_seconds=1800, refuse=refused, yields=yields)


def ctest_step(runner, preset, label, build):
    report = runner.folder / f"ctest-{preset}.xml"
    report.unlink(missing_ok=True)
    # More than there are processors, since those of disks and servers wait most of the time.
    command = ["ctest", "--test-dir", f"build/{preset}", "-j", str((os.cpu_count() or 2) + 4), "--output-on-failure",
               "--no-tests=error", "-L", "^(unit|contract|sim)$", "--output-junit", str(report),
               "--test-output-size-passed", "1000000", "--test-output-size-failed", "1000000"]
    return Step(f"{label} unit, contract and simulation tests", command, needs=(build.name,),
                environment=SANITIZER_ENVIRONMENT if preset in SANITIZED_PRESETS else {}, count=report_counter(count_ctest_report, report))


def pytest_environment(preset):
    """Through these variables they find the program and the tools built beside it."""
    program = "build/usertrail" if preset == "release" else f"build/{preset}/usertrail"
    return {"USERTRAIL_TEST_BINARY": str(ROOT / program),
            "USERTRAIL_TEST_BUILD_DIR": str(ROOT / "build" / preset),
            "HTTP_TEST_SERVER": str(ROOT / "build" / preset / "tests/http/http_test_server"),
            **(SANITIZER_ENVIRONMENT if preset in SANITIZED_PRESETS else {})}


def pytest_step(runner, preset, label, build, name):
    """Each folder has its own conftest.py."""
    report = runner.folder / f"{name.replace(' ', '-')}-{preset}.xml"
    report.unlink(missing_ok=True)
    patterns = {**PYTESTS, **SERVER_PYTESTS}[name]
    files = sorted(str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern))
    command = [PYTHON, "-m", "pytest", *files, "-q", "-rs", "--tb=short", "-p", "no:cacheprovider",
               "--durations=10", f"--junitxml={report}"]
    environment = {**pytest_environment(preset), **PYTEST_ENVIRONMENTS.get(name, {})}
    return Step(f"{label} {name} tests", command, needs=(build.name,), environment=environment,
                count=report_counter(count_pytest_report, report))


def browser_step(runner, preset, label, build):
    """Pages of the program in a real browser, which the release build alone has: no other build shows another page."""
    report = runner.folder / "browser.xml"
    report.unlink(missing_ok=True)
    command = ["node", "build/browser/node_modules/@playwright/test/cli.js", "test", "--config=tests/browser", "--reporter=list,junit"]
    environment = {**pytest_environment(preset), "PLAYWRIGHT_JUNIT_OUTPUT_FILE": str(report)}
    return Step(f"{label} browser tests", command, needs=(build.name,), environment=environment,
                count=report_counter(count_pytest_report, report))


def pairs_step(runner, preset, label, build):
    """The scenario tests on the other pairs of log and store, which share one broker and one stand-in."""
    counters = []
    for pair in run_pairs.PAIRS:
        report = run_pairs.report(runner.folder, pair)
        report.unlink(missing_ok=True)
        counters.append(report_counter(count_pytest_report, report))

    def count(succeeded):
        counts = Counts()
        for counter in counters:
            counts.add(counter(succeeded))
        return counts

    command = [PYTHON, "tests/servers/servers.py", "run", "--kafka", "--mongodb", "--long", "--", PYTHON, "tools/run_pairs.py",
               str(runner.folder)]
    return Step(f"{label} pairs tests", command, needs=(build.name,), environment=pytest_environment(preset), count=count)


def add_suite(runner, preset, label, scenarios=True, beside=()):
    """Builds one preset, unless a suite before did, and runs its tests. beside: steps that yield, for the time of those tests
    that mostly wait for servers."""
    build = build_step(preset, label)
    if not runner.has_run(build):
        runner.run(build)
    runner.run(ctest_step(runner, preset, label, build))
    if scenarios:
        runner.run_together([browser_step(runner, preset, label, build)] * (preset == "release")
                            + [pytest_step(runner, preset, label, build, name) for name in PYTESTS
                               if preset == "release" or name not in RELEASE_ONLY], PYTESTS_AT_ONCE[preset])
    if scenarios and preset == "release":
        runner.run_together([pairs_step(runner, preset, label, build),
                             *(pytest_step(runner, preset, label, build, name) for name in SERVER_PYTESTS), *beside])


def main_guard(main):
    # An end from outside goes the same way as Ctrl-C, so that the running step is ended as well.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
