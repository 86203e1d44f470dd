"""Runs the programs of this folder with what they need, which npm installs into build/node, once for each state of
package-lock.json. Several processes may ask at the same time: one installs, the others wait for it."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BUILD_FOLDER = FOLDER.parent.parent / "build" / "node"
DESCRIPTIONS = ("package.json", "package-lock.json")
NPM_SECONDS_MAX = 300
PROGRAM_SECONDS_MAX = 60


class NodeError(RuntimeError):
    """What a person has to do something about, in words."""


def executable(name):
    found = shutil.which(name)
    if not found:
        raise NodeError(f"{name} is not there; tools/setup test installs what the tests need")
    return found


def fetch():
    BUILD_FOLDER.mkdir(parents=True, exist_ok=True)
    with _locked(BUILD_FOLDER / "lock"):
        stamp, wanted = BUILD_FOLDER / "stamp", _stamp()
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
            return
        stamp.unlink(missing_ok=True)
        _install()
        stamp.write_text(wanted, encoding="ascii")


def command(program, *arguments):
    """The words that run a program, here by its name or elsewhere by its path."""
    fetch()
    return [executable("node"), str(FOLDER / program), *map(str, arguments)]


def run(program, *arguments):
    """The objects that a program of this folder prints; raises NodeError with its words where it fails."""
    result = subprocess.run(command(program, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=PROGRAM_SECONDS_MAX, check=False)
    if result.returncode != 0:
        raise NodeError(f"{program} ended with {result.returncode}: {result.stderr[-3000:]}")
    return [json.loads(line) for line in result.stdout.splitlines()]


@contextlib.contextmanager
def _locked(path):
    with open(path, "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp():
    digest = hashlib.sha256()
    for name in DESCRIPTIONS:
        digest.update((FOLDER / name).read_bytes())
    return digest.hexdigest()


def _install():
    """Exactly what the lock file names; none of the packages needs a script of its own to be run."""
    for name in DESCRIPTIONS:
        shutil.copyfile(FOLDER / name, BUILD_FOLDER / name)
    words = [executable("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    result = subprocess.run(words, cwd=BUILD_FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=NPM_SECONDS_MAX, check=False)
    if result.returncode != 0:
        raise NodeError(f"this failed: {' '.join(words)}\n{result.stdout[-3000:]}")
