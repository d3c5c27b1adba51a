"""Eight simulated devices for all tests, full float32 products, and what workers share."""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
from filelock import FileLock

import tests.checked  # noqa: F401  (the hook finds it by its name)
from tests.backend import prune_cache, set_up_jax

pytest_plugins = ("tests.must_run",)

# Half a million objects of libraries and tests come to stay: looking among them for garbage, while
# they are imported and after every few tests, takes a twentieth of all time.
gc.disable()

set_up_jax()
# Types and shapes are checked in this process; programs that tests start run as users run them.
jaxtyping.install_import_hook(
    ["llavataros", "llavataros_jax", "data_prep"], "tests.checked.checked"
)

# It trains for minutes, so that the session would wait for it at its end.
_FIRST = "tests/program/test_learning.py"


def pytest_sessionstart(session: pytest.Session) -> None:
    from llavataros_jax.errors import UserError
    from llavataros_jax.sound.first_import import load_librosa

    is_worker = hasattr(session.config, "workerinput")
    # Tests import librosa themselves, and workers must not compile it at the same moment.
    if is_worker or not session.config.getoption("numprocesses", None):
        with contextlib.suppress(UserError):
            load_librosa()
    if not is_worker:
        prune_cache()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Lets one worker read the tests before the others, which then find them compiled."""
    if not hasattr(session.config, "workerinput"):
        return (yield)
    done = Path(session.config.option.basetemp).parent / "collected"
    with FileLock(done.with_suffix(".lock")):
        if not done.exists():
            result = yield
            done.touch()
            return result
    return (yield)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    # Hypothesis, imported for its summary, asks who refers to what trio has, and would warn.
    gc.unfreeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files that take longest first, so that no worker ends long after the others."""
    slow: dict[str, int] = {}
    for item in items:
        file = item.nodeid.split("::")[0]
        slow[file] = slow.get(file, 0) + (item.get_closest_marker("slow") is not None)

    def rank(item: pytest.Item) -> tuple[bool, int]:
        file = item.nodeid.split("::")[0]
        return file != _FIRST, -slow[file]

    items.sort(key=rank)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Lets a test give what annotations forbid, to see it refused or because it is cheaper."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Returns `built_once(name, build)`: a folder that `build` fills once for all workers."""
    session = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent

    def folder(name: str, build: Callable[[Path], None]) -> Path:
        place, done = session / name, session / f"{name}.built"
        with FileLock(session / f"{name}.lock"):
            if not done.exists():
                place.mkdir(exist_ok=True)
                build(place)
                done.touch()
        return place

    return folder
