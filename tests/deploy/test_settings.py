"""Every variable that a deployment file gives the program is one that it reads, with a value that it takes."""

import pytest

import deployment

ENVIRONMENTS = deployment.environments()
NAMES = [where for where, _, _ in ENVIRONMENTS]


def setting_of(name):
    """USERTRAIL_X_FILE names a file with the value of a secret."""
    return name if name in deployment.known_variables() else name.removesuffix("_FILE")


def serves_alone():
    """Whether this program has no adapters for Kafka and MongoDB. The choice of these is then left out, every value is not."""
    asked = deployment.run(deployment.BINARY, "check-config", "--role", "worker", "--event-log", "kafka", "--store", "mongodb",
                           environment={})
    return "this version has no" in asked.stderr


def test_there_are_all():
    """Guards the tests below against looking at less than there is."""
    assert len(ENVIRONMENTS) == 2 + 2 + 3 * 2 + 1, NAMES


@pytest.mark.parametrize("where, environment, files", ENVIRONMENTS, ids=NAMES)
def test_variables_are_settings(where, environment, files):
    """Guards against a variable with a slip in its name, which the program would only warn of and go on with a default."""
    unknown = {name for name in environment if name.startswith("USERTRAIL_") and setting_of(name) not in deployment.known_variables()}
    assert not unknown, f"{where}: {unknown}"
    for name, value in environment.items():
        assert setting_of(name) == name or value in files, f"{where}: {name} names {value}, which is not mounted"


@pytest.mark.parametrize("where, environment, files", ENVIRONMENTS, ids=NAMES)
def test_the_program_takes_them(where, environment, files, tmp_path):
    """Guards against values that the program refuses: it reads exactly this environment and has nothing to say."""
    given = dict(environment)
    for number, (path, content) in enumerate(files.items()):
        copy = tmp_path / str(number)
        copy.write_text(content)
        copy.chmod(0o600)
        given = {name: str(copy) if value == path else value for name, value in given.items()}
    if serves_alone():
        given = {name: value for name, value in given.items() if value not in ("kafka", "mongodb", "api", "worker")}
    if where == "Dockerfile":
        refused = deployment.run(deployment.BINARY, "check-config", environment=given)
        assert refused.returncode == 2 and "--allow-anonymous" in refused.stderr, "the image alone opens itself to everybody"
        given["USERTRAIL_ALLOW_ANONYMOUS"] = "true"
    result = deployment.run(deployment.BINARY, "check-config", environment=given)
    assert result.returncode == 0 and not result.stderr, f"{where}: {result.stderr}"
