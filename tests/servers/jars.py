"""Brings the servers' jars into build/servers/NAME/lib, once for each state of what describes them (pom.xml and *.java), and
makes what lets them start quicker. Several processes may ask at the same time: one works, the others wait for it."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BUILD_FOLDER = FOLDER.parent.parent / "build" / "servers"
MAVEN_SECONDS_MAX = 600
OFFLINE_ADVICE = """
The jars come from Maven's central repository, once. Without a way there, name a mirror in ~/.m2/settings.xml, or bring
build/servers from a machine that has one, or name servers of your own in USERTRAIL_TEST_KAFKA and USERTRAIL_TEST_MONGODB."""


class ServerError(RuntimeError):
    """What a person has to do something about, in words."""


def command(name):
    found = shutil.which(name)
    if not found:
        raise ServerError(f"{name} is not there; tools/setup test installs what the tests need")
    return found


def home(name):
    return BUILD_FOLDER / name


def class_path(name):
    """In a fixed order, since Java takes an archive of classes only with the very class path it was made with."""
    return os.pathsep.join(map(str, sorted(home(name).glob("lib/*.jar"))))


def archive(name):
    return home(name) / "classes.jsa"


def fetch(name, make_archive):
    """`make_archive()` is called after jars were brought; it may run the server, and need not succeed."""
    home(name).mkdir(parents=True, exist_ok=True)
    with _locked(home(name) / "lock"):
        stamp, wanted = home(name) / "stamp", _stamp_of(name)
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
            return
        stamp.unlink(missing_ok=True)
        _copy_jars(name)
        _compile_sources(name)
        archive(name).unlink(missing_ok=True)
        make_archive()
        stamp.write_text(wanted, encoding="ascii")


@contextlib.contextmanager
def _locked(path):
    with open(path, "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp_of(name):
    digest = hashlib.sha256()
    for path in [FOLDER / name / "pom.xml", *sorted((FOLDER / name).glob("*.java"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(arguments, advice=""):
    result = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", timeout=MAVEN_SECONDS_MAX, check=False)
    if result.returncode != 0:
        raise ServerError(f"this failed: {' '.join(map(str, arguments))}\n{result.stdout[-3000:]}{advice}")


def _copy_jars(name):
    lib = home(name) / "lib"
    shutil.rmtree(lib, ignore_errors=True)
    _run([command("mvn"), "--quiet", "--batch-mode", "--file", FOLDER / name / "pom.xml", "dependency:copy-dependencies",
          f"-DoutputDirectory={lib}", "-DincludeScope=runtime"], OFFLINE_ADVICE)


def _compile_sources(name):
    """With the compiler's module, since a runtime has that without having the command javac; into a jar, since Java makes no
    archive of classes that lie in a folder."""
    sources = sorted((FOLDER / name).glob("*.java"))
    if not sources:
        return
    with tempfile.TemporaryDirectory(dir=home(name)) as classes:
        _run([command("java"), "-m", "jdk.compiler/com.sun.tools.javac.Main", "-cp", class_path(name), "-d", classes, *sources])
        with zipfile.ZipFile(home(name) / "lib" / "usertrail-tests.jar", "w") as jar:
            for path in sorted(Path(classes).rglob("*.class")):
                jar.write(path, path.relative_to(classes))
