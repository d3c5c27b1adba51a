"""Processes: several at a time, each on its cores, stopped together."""

import os
import time
from pathlib import Path

import pytest

from llavataros.ablation.workers import Job, cores_of, work
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


def test_several_processes_share_the_cores() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("there is one core")
    assert cores_of(0, 2) | cores_of(1, 2) == cores
    assert not cores_of(0, 2) & cores_of(1, 2)
    assert cores_of(0, 1) == set()
    assert cores_of(0, len(cores) + 1) == set()
