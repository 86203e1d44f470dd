"""Builds the image without a container engine: carries out the Dockerfile's steps in clean Debian roots, one for each stage, and
starts what came out as its user would. It takes minutes and looks at what is committed, so `make test` leaves it out:

    /usr/bin/python3 -m pytest tests/deploy/image_test.py

CLEAN_ROOT names the program that makes the roots (default: ../shared/tools/clean-root). Called with a release of Debian and a
command it runs that command in a root with nothing but Debian and a clone of the repository at /src. It needs root.
"""

import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

import deployment

CLEAN_ROOT = Path(os.environ.get("CLEAN_ROOT", deployment.ROOT.parent / "shared" / "tools" / "clean-root"))
STAGE_SECONDS_MAX = 900
CONTEXT = "/context"

# COPY, as far as it is used: a folder's content into a folder, files into a folder or to a name.
COPY = f"""
copy() {{
  local from=$1 target=${{@: -1}} source
  shift
  for source in "${{@:1:$#-1}}"; do
    if [ -d "$from/$source" ]; then mkdir -p "$target" && cp -a "$from/$source/." "$target"
    elif [ "${{target: -1}}" = / ]; then mkdir -p "$target" && cp -a "$from/$source" "$target"
    else mkdir -p "$(dirname "$target")" && cp -a "$from/$source" "$target"; fi
  done
}}
"""
# The clone is the context, without what .dockerignore keeps out of one in any case; the stage's folder is empty.
TAKE_CONTEXT = f"cd / && mv /src {CONTEXT} && rm -rf {CONTEXT}/.git && mkdir /src"
# What the stage before left comes in by standard input.
TAKE_STAGE = "mkdir -p /from-build && tar -xf - -C /from-build && rm -rf /src && cd /"


def steps_of(stage):
    """The stage as lines of a shell."""
    lines, shell = [], ["/bin/sh", "-c"]
    for instruction in stage[1:]:
        if instruction.word == "SHELL":
            shell = instruction.items
        elif instruction.word == "RUN":
            lines.append(shlex.join([*shell, instruction.rest]))
        elif instruction.word == "WORKDIR":
            lines.append(f"mkdir -p {instruction.rest} && cd {instruction.rest}")
        elif instruction.word == "ENV":
            lines.append(f"export {instruction.rest}")
        elif instruction.word == "COPY":
            items = instruction.items
            origin = CONTEXT if not items[0].startswith("--") else "/from-build"
            lines.append(shlex.join(["copy", origin, *(item for item in items if not item.startswith("--"))]))
    return lines


def in_clean_root(lines, given=None):
    """Runs the lines in a root of the stage's release; what they write to descriptor 3 is returned."""
    release = deployment.dockerfile_stages()[0][0].rest.split()[0].split(":")[1].removesuffix("-slim")
    script = "\n".join(["set -euo pipefail", "exec 3>&1 1>&2", COPY, *lines])
    result = subprocess.run([CLEAN_ROOT, release, "bash", "-c", script], cwd=deployment.ROOT, input=given, capture_output=True,
                            timeout=STAGE_SECONDS_MAX, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    return result.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_user(environment, command):
    user, group = deployment.image_user()
    given = [f"{name}={value}" for name, value in environment.items()]
    return shlex.join(["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                       "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", *given, *command])


def started(port):
    """Serves as the image does, on a port of loopback, since the root shares this machine's network; asks as HEALTHCHECK does,
    before and after; ends it as an engine would."""
    environment = {**deployment.image_environment(), "USERTRAIL_LISTEN": f"127.0.0.1:{port}"}
    check = as_user(environment, ["usertrail", "health", "--url", f"http://127.0.0.1:{port}"])
    return [
        "test ! -e /usr/bin/gcc && test ! -e /src",
        f"! {check}",
        f"{as_user(environment, ['usertrail', 'serve'])} &",
        "server=$!",
        f"for _ in $(seq 100); do {check} && break || sleep 0.1; done",
        f"{check} >&3",
        "kill -TERM $server",
        "wait $server",
        f"stat -c '%u:%g %a' {deployment.image_data()} >&3",
        f"ls {deployment.image_data()} >&3",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="making clean roots needs root")
@pytest.mark.skipif(not os.access(CLEAN_ROOT, os.X_OK), reason=f"{os.path.relpath(CLEAN_ROOT, deployment.ROOT)} is not here")
def test_the_steps_of_the_dockerfile():
    """Guards that each stage can be carried out, that the last one has every library it needs and no compiler, and that the
    image's user can serve from it."""
    build, final = deployment.dockerfile_stages()
    made = in_clean_root([TAKE_CONTEXT, *steps_of(build), "tar -cf - -C / out >&3"])
    port = free_port()
    said = in_clean_root([TAKE_STAGE, *steps_of(final), *started(port)], given=made).decode().splitlines()
    user, group = deployment.image_user()
    assert said == [f'http://127.0.0.1:{port}/readyz answers 200: {{"status":"ready"}}', f"{user}:{group} 700", "log", "refused", "store"]
