"""Processes: several at a time, each on its cores, stopped together."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from llavataros.ablation.workers import Job, cores_of, left_seconds, work
from llavataros_jax.errors import UserError


def job(folder: Path, name: str, *programs: str) -> Job:
    return Job(name, tuple(("-c", program) for program in programs), folder / f"{name}.log", 10)


def test_commands_of_a_job_follow_each_other_and_jobs_run_at_once(tmp_path: Path) -> None:
    """Each of two jobs waits for a file that the other one writes in its first command."""
    wait = "import pathlib, time\nwhile not pathlib.Path({0!r}).exists(): time.sleep(0.01)"
    write = "import pathlib; pathlib.Path({0!r}).touch(); print('wrote')"
    places = [str(tmp_path / name) for name in "ab"]
    jobs = [
        job(tmp_path, "first", write.format(places[0]), wait.format(places[1])),
        job(tmp_path, "second", write.format(places[1]), wait.format(places[0])),
    ]
    said: list[str] = []
    work(jobs, at_once=2, say=said.append)
    assert (tmp_path / "first.log").read_text() == "wrote\n"
    assert [line.split(" · ")[0] for line in said] == ["1/2", "2/2"]
    assert "ETA" in said[0]
    assert "ETA" not in said[1]


def test_a_job_that_fails_ends_the_others_with_its_own_sentence(tmp_path: Path) -> None:
    fails = "import sys; print('error: no space is left; make some', file=sys.stderr); sys.exit(2)"
    jobs = [job(tmp_path, "slow", "import time; time.sleep(60)"), job(tmp_path, "bad", fails)]
    began = time.monotonic()
    with pytest.raises(UserError, match=r"bad ended with code 2 \(no space is left; make some\)"):
        work(jobs, at_once=2, say=print)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_lets_its_processes_save(tmp_path: Path, number: int) -> None:
    """A process that saves when it is asked to leave, once, has saved when `work` has left."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals come to the main thread")
    program = """
import pathlib, signal, sys, time
folder = pathlib.Path({0!r})
def save(*_):
    time.sleep(0.5)
    with (folder / "saved").open("a") as file: file.write("x")
    sys.exit(130)
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, save)
(folder / "ready").touch()
time.sleep(60)
"""

    def kill_when_ready() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=kill_when_ready, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        work([job(tmp_path, "slow", program.format(str(tmp_path)))], at_once=1, say=print)
    assert (tmp_path / "saved").read_text() == "x"


def test_the_rest_takes_as_long_as_what_ended() -> None:
    def left(waiting: list[int], running: list[tuple[int, float]], at_once: int) -> float:
        return left_seconds(waiting, running, seconds_a_step=0.1, at_once=at_once)

    assert left([100, 100, 100], [], 1) == pytest.approx(30)
    assert left([100, 100], [(100, 4.0), (100, 10.0)], 2) == pytest.approx((20 + 6) / 2)
    # One process cannot be shared out, and one that is late is as good as done.
    assert left([], [(100, 0.0), (100, 60.0)], 2) == pytest.approx(10)


def test_several_processes_share_the_cores() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("there is one core")
    assert cores_of(0, 2) | cores_of(1, 2) == cores
    assert not cores_of(0, 2) & cores_of(1, 2)
    assert cores_of(0, 1) == set()
    assert cores_of(0, len(cores) + 1) == set()
