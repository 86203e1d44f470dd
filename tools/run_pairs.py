#!/usr/bin/env python3
"""tools/run_pairs.py FOLDER [LOG,STORE …]: scenario tests on pairs of an event log and a store, all but local,local when none is
named, one junit report a pair in FOLDER. tests/servers/servers.py run --kafka --mongodb --long -- tools/run_pairs.py … brings the
servers.

Left out are tests of what lies before the log, which is the same for every pair, and of files of the local log and store. What
keys, links and limits have to do with log and store is looked at by tests/distributed/test_280_access.py.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
SCENARIO = ROOT / "tests" / "scenario"
FILES = ("test_010_*.py", "test_0[3-8]*.py", "test_300_*.py", "test_380_erasure.py", "test_385_*.py", "test_420_*.py", "test_430_forward.py",
         "test_440_*.py", "test_455_*.py", "test_560_*.py")
# Those that take long first: they end together then. They wait for servers half of their time. Pairs with the one stand-in for
# MongoDB stand apart, since it has a full scan for each of their questions.
PAIRS = ("kafka,mongodb", "kafka,local", "memory,mongodb", "kafka,memory", "local,mongodb", "local,memory", "memory,local",
         "memory,memory")
AT_ONCE = 3


def report(folder, pair):
    return Path(folder) / f"pair-{pair.replace(',', '-')}.xml"


def run(folder, pair):
    """Returns pair, seconds, exit code and output."""
    files = sorted(path for pattern in FILES for path in SCENARIO.glob(pattern))
    command = [PYTHON, "-m", "pytest", *files, "-q", "-rs", "--tb=short", "-p", "no:cacheprovider", "--durations=5",
               f"--junitxml={report(folder, pair)}"]
    begun = time.monotonic()
    result = subprocess.run(command, env={**os.environ, "USERTRAIL_TEST_PAIR": pair}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return pair, time.monotonic() - begun, result.returncode, result.stdout


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, *pairs = sys.argv[1:]
    failed = False
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in as_completed([pool.submit(run, folder, pair) for pair in pairs or PAIRS]):
            pair, seconds, code, output = done.result()
            print(f"==> {pair}: {seconds:.1f} s, exit code {code}\n{output}", flush=True)
            failed = failed or code != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
