"""The image: linted, small, not root, and built from nothing but what the build needs."""

import fnmatch
import json
import re

import deployment

# Files that are read or made into others while CMake configures. What install() names is read by nobody before that.
READ_BY_CMAKE = re.compile(r"(?:file\((?:READ|STRINGS)|configure_file\(|CMAKE_CONFIGURE_DEPENDS)\s*\$\{PROJECT_SOURCE_DIR\}/([\w./-]+)")


def ignored(path):
    """Whether .dockerignore keeps a path out of the build; the last line that takes it, or a folder above it, counts."""
    lines = [line for line in (deployment.ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    result = False
    for line in lines:
        if any(fnmatch.fnmatchcase(folder, line.lstrip("!")) for folder in above):
            result = line[0] != "!"
    return result


def test_hadolint_finds_nothing():
    """Guards what hadolint knows of: pinned bases, pipes that fail, shells, users and more."""
    result = deployment.run(deployment.TOOLS / "hadolint", "Dockerfile")
    assert result.returncode == 0 and not result.stdout, result.stdout + result.stderr


def test_compiler_and_sources_stay_behind():
    """Guards the size of the image and what can be exploited in it: the last stage takes two files from the one before."""
    stages = deployment.dockerfile_stages()
    assert len(stages) == 2 and stages[0][0].rest.endswith(" AS build")
    copies = [instruction.items for instruction in deployment.image_says("COPY")]
    assert [copy[:2] for copy in copies] == [["--from=build", "/out/packages"], ["--from=build", "/out/usertrail"]]
    bases = {stage[0].rest.split()[0] for stage in stages}
    assert bases == {"debian:trixie-slim"}, "what is built on one release may not run on another"


def test_what_is_copied_is_there():
    """Guards against a build that fails at COPY, which no linter sees."""
    tracked = deployment.run("git", "ls-files").stdout.splitlines()
    sources = [source for instruction in deployment.dockerfile_stages()[0] if instruction.word == "COPY"
               for source in instruction.items[:-1]]
    assert len(sources) >= 5
    for source in sources:
        assert any(path == source or path.startswith(source + "/") for path in tracked), f"{source} is not in the repository"
        assert not ignored(source), f"{source} is kept out by .dockerignore"


def test_what_cmake_reads_is_copied():
    """Guards the image against files that only a checkout has: what cmake/ reads while it configures is among what is copied."""
    scripts = [deployment.ROOT / "CMakeLists.txt", *sorted((deployment.ROOT / "cmake").glob("*"))]
    read = {path for script in scripts for path in READ_BY_CMAKE.findall(script.read_text())}
    assert "deploy/systemd/usertrail.service" in read
    sources = [source for instruction in deployment.dockerfile_stages()[0] if instruction.word == "COPY"
               for source in instruction.items[:-1]]
    for path in sorted(read):
        assert any(path == source or path.startswith(source + "/") for source in sources), f"{path} is not copied"


def test_nothing_else_gets_into_the_build():
    """Guards data and keys that lie in the folder against being sent to a builder and kept in its cache."""
    for path in ("data", "data/log/lock", "build/usertrail", ".git/config", "key.pem", "compose.yaml", "tests/deploy/conftest.py"):
        assert ignored(path), path


def test_the_image_says_what_it_is():
    """Guards the promises of the image: a number that is not root, its port, its folder, its probe, its command."""
    environment = deployment.image_environment()
    assert deployment.image_user()[0] >= 10000 and len(deployment.image_user()) == 2
    assert environment["USERTRAIL_LISTEN"] == f"0.0.0.0:{deployment.image_port()}"
    assert environment["USERTRAIL_DATA_DIR"] == deployment.image_data() == deployment.image_says("WORKDIR")[-1].rest
    assert [json.loads(deployment.image_says(word)[0].rest) for word in ("ENTRYPOINT", "CMD")] == [["usertrail"], ["serve"]]
    options, command = deployment.image_says("HEALTHCHECK")[0].rest.split(" CMD ")
    assert json.loads(command) == ["usertrail", "health"]
    limit = deployment.seconds_of(dict(part[2:].split("=") for part in options.split())["timeout"])
    assert limit > 3, "usertrail health has three seconds itself, and then says why"


def test_the_user_owns_the_folder():
    """Guards that who runs in the image is who its folder belongs to."""
    user, group = deployment.image_user()
    steps = " ".join(instruction.rest for instruction in deployment.image_says("RUN"))
    assert f"useradd --uid {user} --gid {group} " in steps and f"groupadd --gid {group} " in steps
    assert f"install -d --owner {user} --group {group} --mode 0700 {deployment.image_data()}" in steps


def test_the_check_asks_where_the_image_serves():
    """Guards that the probe without arguments asks the port that the image serves."""
    result = deployment.run(deployment.BINARY, "health", "--help")
    assert f"http://127.0.0.1:{deployment.image_port()} by default" in result.stdout
