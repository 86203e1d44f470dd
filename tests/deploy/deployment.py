"""Reads the deployment files as the programs do that they are for: the Dockerfile's stages, the compose file, what kustomize
builds, and the systemd unit. USERTRAIL_TEST_BINARY names the program."""

import base64
import functools
import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("USERTRAIL_TEST_BINARY", ROOT / "build" / "usertrail"))
TOOLS = ROOT / "build" / "tools" / "deploy" / "bin"
KUBERNETES = ROOT / "deploy" / "kubernetes"
UNIT = ROOT / "deploy" / "systemd" / "usertrail.service"
BUILD_FOLDER = Path(os.environ.get("USERTRAIL_TEST_BUILD_DIR", ROOT / "build" / "release"))
PACKAGED_UNIT = BUILD_FOLDER / "package" / "usertrail.service"  # which the build makes of it
BUILDS = ("base", "overlays/kafka-mongodb", "overlays/keda", "overlays/embedded")

WORKLOADS = ("Deployment", "StatefulSet")
IMAGE = "usertrail"
TEXT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
TEXT_BYTES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


def run(*command, text=None, environment=None, seconds=60):
    return subprocess.run([str(part) for part in command], input=text, env=environment, capture_output=True, text=True,
                          timeout=seconds, check=False, cwd=ROOT)


def seconds_of(text):
    """As settings, compose and systemd write them: 5s, 200ms, 1m."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * TEXT_SECONDS[unit]


def bytes_of(text):
    """As settings (1GiB) and Kubernetes (2Gi) write them."""
    number, unit = re.fullmatch(r"(\d+)([KMGT]i)B?", text).groups()
    return int(number) * TEXT_BYTES[unit]


# --- the program ---


@functools.cache
def known_variables():
    """Those that the program says it reads."""
    page = run(BINARY, "configuration")
    assert page.returncode == 0, page.stderr
    return set(re.findall(r"^\| `--[^|]*\| `(USERTRAIL_\w+)`", page.stdout, re.MULTILINE))


def defaults():
    """Variable -> default, as the program says."""
    page = run(BINARY, "configuration").stdout
    return dict(re.findall(r"^\| `--[^|]*\| `(USERTRAIL_\w+)` \| `([^`]*)`", page, re.MULTILINE))


# --- Dockerfile ---


@dataclass
class Instruction:
    word: str
    rest: str

    @property
    def items(self):
        """Of the exec form (JSON) or of words."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


@functools.cache
def dockerfile_stages():
    """A list of instructions for each stage; its first is FROM."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text())
    stages = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip():
            instruction = Instruction(*line.split(None, 1))
            if instruction.word == "FROM":
                stages.append([])
            stages[-1].append(instruction)
    return stages


def image_says(word):
    """All that the final stage says by this instruction."""
    return [instruction for instruction in dockerfile_stages()[-1] if instruction.word == word]


def image_environment():
    return dict(pair.split("=", 1) for instruction in image_says("ENV") for pair in instruction.items)


def image_user():
    """The numbers of user and group."""
    return tuple(map(int, image_says("USER")[-1].rest.split(":")))


def image_port():
    return int(image_says("EXPOSE")[0].rest)


def image_data():
    return image_says("VOLUME")[0].rest


# --- compose ---


@functools.cache
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def compose_services(ours=True):
    """Those that run this program, or the others."""
    return {name: service for name, service in compose()["services"].items() if (service["image"] == IMAGE) == ours}


# --- Kubernetes ---


def kustomize():
    found = sorted(TOOLS.glob("kustomize-*"))
    assert len(found) == 1, f"{found}; run tools/setup test"
    return found[0]


@functools.cache
def built(build):
    """The resources that kustomize makes of one folder."""
    result = run(kustomize(), "build", KUBERNETES / build)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def of_kind(build, *kinds):
    return [resource for resource in built(build) if resource["kind"] in kinds]


def find(build, kind, name):
    found = [resource for resource in of_kind(build, kind) if resource["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name} in {build}: {len(found)}"
    return found[0]


def workloads(build, ours=None):
    """Workloads; only those that run this program, or only the others."""
    return [workload for workload in of_kind(build, *WORKLOADS)
            if ours is None or (image_name(container_of(workload)["image"]) == IMAGE) == ours]


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def container_of(workload):
    containers = pod_of(workload)["containers"]
    assert len(containers) == 1
    return containers[0]


def image_name(image):
    return image.rsplit(":", 1)[0]


def labels_of(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def matches(selector, labels):
    """Whether a label selector, or the plain map of a Service, takes a pod with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", selector).items())


def pod_environment(build, workload):
    """What the container of a pod is given, over the image's own."""
    container = container_of(workload)
    environment = dict(image_environment())
    for source in container.get("envFrom", []):
        environment.update(find(build, "ConfigMap", source["configMapRef"]["name"])["data"])
    environment.update({variable["name"]: variable["value"] for variable in container.get("env", [])})
    return environment


def secret_files(build, workload):
    """Path in the container -> content."""
    pod = pod_of(workload)
    files = {}
    for mount in container_of(workload).get("volumeMounts", []):
        for volume in pod.get("volumes", []):
            if volume["name"] == mount["name"] and "secret" in volume:
                secret = find(build, "Secret", volume["secret"]["secretName"])
                files.update({f"{mount['mountPath']}/{key}": base64.b64decode(value).decode()
                              for key, value in secret["data"].items()})
    return files


# --- systemd ---


def unit_values(key):
    """All values of a key of the unit; an empty one counts."""
    return re.findall(rf"(?m)^{key}=(.*)$", UNIT.read_text())


def unit_environment():
    """What the unit gives, with its folder for state in place."""
    pairs = dict(value.split("=", 1) for value in unit_values("Environment"))
    return {name: value.replace("%S", "/var/lib") for name, value in pairs.items()}


# --- all of them ---


def environments():
    """(where, environment, files it names) of everything that starts this program."""
    found = [("Dockerfile", image_environment(), {}), ("systemd", unit_environment(), {})]
    for name, service in compose_services().items():
        given = {key: str(value) for key, value in service["environment"].items()}
        found.append((f"compose {name}", {**image_environment(), **given}, {}))
    for build in BUILDS:
        for workload in workloads(build, ours=True):
            where = f"{build} {workload['metadata']['name']}"
            found.append((where, pod_environment(build, workload), secret_files(build, workload)))
    return found
