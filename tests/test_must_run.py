"""The list of tests that must run, and the watch over it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.must_run import MUST_RUN, Watch

ROOT = Path(__file__).parents[1]


def report(nodeid: str, outcome: str, when: str = "call") -> pytest.TestReport:
    reason = ("file.py", 3, "Skipped: no ffmpeg") if outcome == "skipped" else None
    return pytest.TestReport(nodeid, ("file.py", 3, nodeid), {}, outcome, reason, when)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reports", "lacking"),
    [
        ([("a.py::test_film[mov]", "passed", "call")], []),
        ([("a.py::test_film[mov]", "failed", "call")], []),
        ([("b.py::test_film", "passed", "call")], ["a.py: no such test ran"]),
        ([("a.py::test_film", "passed", "setup")], ["a.py: no such test ran"]),
        (
            [("a.py::test_one", "passed", "call"), ("a.py::test_two", "skipped", "setup")],
            ["a.py::test_two: Skipped: no ffmpeg"],
        ),
        ([("a.py::test_one", "passed", "call"), ("b.py::test_two", "skipped", "setup")], []),
    ],
    ids=["ran", "failed", "not collected", "only set up", "one of two skipped", "another skipped"],
)
def test_a_session_that_lacks_a_test_fails(reports, lacking) -> None:
    watch = Watch(["a.py"])
    for nodeid, outcome, when in reports:
        watch.pytest_runtest_logreport(report(nodeid, outcome, when))
    session = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    watch.pytest_sessionfinish(session)  # type: ignore[arg-type]
    assert watch.lacking == lacking
    assert session.exitstatus == (pytest.ExitCode.TESTS_FAILED if lacking else pytest.ExitCode.OK)


@pytest.mark.parametrize("name", MUST_RUN)
def test_each_name_is_of_a_test(name) -> None:
    file, _, function = name.partition("::")
    assert f"def {function}" in (ROOT / file).read_text()
