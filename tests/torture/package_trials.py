"""Trials of tests/torture/run on machines that have nothing yet."""

import os
import re
import subprocess
import sys

import service as services

SUITES = "bookworm trixie"
SECONDS_MAX = 3600


def clean_roots(options, progress):
    """In a clean root of each supported Debian: `make run`, then the package, built in one root and installed in another."""
    result = subprocess.run([services.ROOT / "tools/check_clean_root", "--package"], env={"CLEAN_ROOT_SUITES": SUITES, **os.environ},
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    last = result.stdout.splitlines()[-1] if result.stdout else ""
    assert result.returncode == 0 and re.fullmatch(r"[1-9]\d* passed, 0 failed", last), result.stdout[-8000:] + result.stderr[-2000:]
    progress.tell(last)


def image_steps(options, progress):
    """The steps of the Dockerfile in two clean roots; what came out serves there."""
    result = subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", services.ROOT / "tests/deploy/image_test.py"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    last = result.stdout.splitlines()[-1] if result.stdout else ""
    assert result.returncode == 0 and last.startswith("1 passed"), result.stdout[-8000:] + result.stderr[-2000:]
    progress.tell(last)


TRIALS = (clean_roots, image_steps)
