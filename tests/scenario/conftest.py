"""Fixtures of the scenario tests. They drive the real program over HTTP and are numbered from basic to complex, so that the
first failure is the one to look at."""

import signal

import pytest
from hypothesis import HealthCheck, settings

import service as services

TEST_SECONDS_MAX = 120

# The same examples in every run: a failure is found again by running the test again.
settings.register_profile("scenario", derandomize=True, deadline=None, database=None, print_blob=False,
                          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
settings.load_profile("scenario")


def pytest_sessionstart(session):
    for program in (services.BINARY, services.LOAD_CLIENT):
        if not program.is_file():
            raise pytest.UsageError(f"{program} is not there; build it first, or name it by USERTRAIL_TEST_BINARY "
                                    "and its build folder by USERTRAIL_TEST_BUILD_DIR")


@pytest.fixture(autouse=True)
def bounded():
    """No test waits for ever, whatever the program does."""
    seconds = TEST_SECONDS_MAX * services.PATIENCE

    def give_up(*_):
        raise TimeoutError(f"the test did not end within {seconds} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="module")
def shared():
    """One service for all tests of a file that only need some service; each uses users of its own. Its clean end is checked
    when the file is through."""
    with services.running() as running:
        yield running


@pytest.fixture
def make_service():
    """Makes services, not started yet; none is left behind."""
    made = []

    def make(*flags, **options):
        made.append(services.Service(*flags, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def fresh(make_service):
    """A service of its own with an empty folder; it must end cleanly if the test leaves it running."""
    one = make_service().start()
    yield one
    if one.process is not None:
        one.stop()
