"""Tests that must run where the whole suite runs: with `--must-run`, skipping them is a failure.

A test of a tool skips itself where the tool is not installed. On a machine that has everything,
which CI is, such a skip would hide that nothing was proven.
"""

from collections.abc import Sequence

import pytest

MUST_RUN = (
    "tests/test_imports.py",
    "tests/data_prep/align/test_pocketsphinx.py::test_word_starts_against_the_truth",
    "tests/data_prep/corpus/test_corpus.py::test_regenerates_the_committed_conversation",
    "tests/sound/test_beats.py::test_bundled_speech_equals_librosas",
    "tests/data_prep/sound/test_features.py::test_log_mel_and_onset_are_librosas",
    "tests/data_prep/words/test_timed_files.py::test_textgrid_silence_unknown_words_and_shared_intervals",
    "tests/data_prep/corpus/hours/test_writer.py",
    "tests/data/test_remote_shard.py",
    "tests/data_prep/arriving/test_opus.py",
    "tests/evaluate/test_table.py",
    "tests/live/test_docs_live.py",
    "tests/live/test_vmc.py",
    "tests/program/study/test_statistics.py",
    "tests/program/test_animator_page.py",
    "tests/program/test_learning.py",
    "tests/program/test_whole_way.py",
    "tests/rendering/test_film.py",
    "tests/rig/test_retarget.py",
    "tests/rig/test_usd.py",
    "tests/serve/test_starter.py",
    "tests/sound/test_containers.py",
    "tests/rendering/test_plots.py",
    "tests/test_wheel.py",
    "tests/training/test_hosts.py::test_two_processes_take_the_steps_of_one_which_goes_on_from_their_checkpoint",
    "tests/training/test_loop.py::test_a_run_that_was_stopped_goes_on_bit_by_bit",
    "tests/training/test_mirror.py",
    "tests/training/test_remote_run.py::test_a_run_in_a_bucket_is_written_there_and_nowhere_else",
    "tests/training/test_parallel.py::test_eight_devices_equal_one",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--must-run",
        action="store_true",
        help="fail if a test named in tests/must_run.py was skipped or not collected",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist the workers report to the main process, which alone sees every outcome.
    if config.getoption("--must-run") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watch(MUST_RUN), "must-run")


class Watch:
    """Notes the outcome of each test, and fails the session where one of `names` did not run.

    A name is the beginning of the identities of one test or more.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.ran: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.lacking: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            place = report.longrepr
            self.skipped[report.nodeid] = place[2] if isinstance(place, tuple) else str(place)
        elif report.when == "call":
            self.ran.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for name in self.names:
            skipped = {test: why for test, why in self.skipped.items() if test.startswith(name)}
            self.lacking += [f"{test}: {why}" for test, why in skipped.items()]
            if not skipped and not any(test.startswith(name) for test in self.ran):
                self.lacking.append(f"{name}: no such test ran")
        if self.lacking and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.lacking:
            terminalreporter.section("tests that must run and did not", red=True)
            for line in self.lacking:
                terminalreporter.write_line(line)
