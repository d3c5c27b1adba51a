import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from data_prep.run import beam as beam_room
from data_prep.run.beam_job import BeamJob, completed
from data_prep.run.exchange import collect, send, work_on
from llavataros_jax.errors import UserError


def out_of_luck(kind: type[Exception]) -> None:
    raise kind("no such luck")


def lock(item: object) -> Any:
    return threading.Lock()


def large(item: int) -> bytes:
    return bytes(100_000)


def test_outcomes_come_back_once_with_the_number_of_their_item(tmp_path: Path) -> None:
    places = send(tmp_path, str.upper, ["a", "b", "c"])
    for place in reversed(places):
        work_on(tmp_path, place)
    assert {number: outcome.result for number, outcome in collect(tmp_path)} == {
        0: "A",
        1: "B",
        2: "C",
    }
    assert not list(collect(tmp_path))
    (tmp_path / "outcomes/.0.1-ab.partial.pickle").touch()
    assert not list(collect(tmp_path)), "half-written"


@pytest.mark.parametrize("kind", [UserError, MemoryError, OSError, ValueError])
def test_what_work_raises_is_an_outcome_and_never_raised_there(tmp_path: Path, kind: type) -> None:
    (place,) = send(tmp_path, out_of_luck, [kind])
    work_on(tmp_path, place)
    ((_, outcome),) = collect(tmp_path)
    wanted = kind if kind is not ValueError else UserError
    reason = "^no such luck" if kind is not ValueError else r"failed \(ValueError: no such luck\)"
    with pytest.raises(wanted, match=reason):
        beam_room._result(outcome)


def test_a_result_that_cannot_be_sent_is_told(tmp_path: Path) -> None:
    (place,) = send(tmp_path, lock, [1])
    work_on(tmp_path, place)
    ((_, outcome),) = collect(tmp_path)
    assert "cannot pickle" in str(outcome.failure)


def test_a_machine_says_what_it_does_not_see(tmp_path: Path) -> None:
    folder, recording = tmp_path / "shared", tmp_path / "a.wav"
    folder.mkdir()
    recording.touch()
    (place,) = send(folder, str, [recording])
    recording.unlink()
    work_on(folder, place)
    ((_, outcome),) = collect(folder)
    with pytest.raises(UserError, match=r"does not see .*a\.wav"):
        beam_room._result(outcome)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"the machine .* does not see .*/shared"):
        work_on(folder, place)
    assert not folder.exists()
    (tmp_path / "elsewhere/outcomes").rmdir()
    with pytest.raises(UserError, match=r"cannot write to .*/elsewhere"):
        work_on(tmp_path / "elsewhere", place)
    assert not (tmp_path / "elsewhere/outcomes").exists(), "nobody waits there any more"


def test_whoever_waits_holds_one_outcome_at_a_time(tmp_path: Path) -> None:
    for place in send(tmp_path, large, range(200)):
        work_on(tmp_path, place)
    tracemalloc.start()
    assert sum(len(outcome.result) for _, outcome in collect(tmp_path)) == 200 * 100_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000, "of 20 MB"


class OutsideJob(BeamJob):
    """A job that goes on, or one that ended without a word."""

    def __init__(self, is_over: bool) -> None:
        super().__init__(print, (), ())
        self._is_over = is_over

    def is_over(self, seconds: float) -> bool:
        return self._is_over


def test_results_come_before_the_job_ends_and_each_once(tmp_path: Path) -> None:
    places = send(tmp_path, str.upper, ["a", "b"])
    outcomes = beam_room._outcomes(tmp_path, 2, OutsideJob(is_over=False))
    for place, wanted in ((places[1], (1, "B")), (places[0], (0, "A"))):
        work_on(tmp_path, place)
        number, outcome = next(outcomes)
        assert (number, outcome.result) == wanted
        work_on(tmp_path, place)  # again, as after a worker's death
    with pytest.raises(StopIteration):
        next(outcomes)


def test_a_job_that_ends_without_all_outcomes_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(tmp_path, str.upper, ["a", "b"])
    monkeypatch.setattr(beam_room, "_SECONDS_UNTIL_SEEN", 0.0)
    job = OutsideJob(is_over=True)
    with pytest.raises(UserError, match="of 2 of 2 clips nothing was left in"):
        next(beam_room._outcomes(tmp_path, 2, job))
    job.failure = RuntimeError("first\nworkers died\n")
    with pytest.raises(UserError, match=r"Apache Beam failed \(workers died\); run the same"):
        next(beam_room._outcomes(tmp_path, 2, job))


def test_a_flag_that_beam_refuses_is_said(tmp_path: Path) -> None:
    send(tmp_path, str.upper, ["a"])
    job = OutsideJob(is_over=True)
    job.failure = SystemExit(2)
    with pytest.raises(UserError, match="does not take one of the flags, see above"):
        next(beam_room._outcomes(tmp_path, 1, job))


def test_dask_is_told_by_its_short_name_and_gets_a_bounded_number_of_tasks() -> None:
    name = "--runner=apache_beam.runners.dask.dask_runner.DaskRunner"
    told = "--dask_client_address=tcp://host:8786"
    assert completed(["--runner=DaskRunner", told]) == (name, told, "--dask_npartitions=1000")
    assert completed([name, "--dask_partition_size=2"]) == (name, "--dask_partition_size=2")
    assert completed(["--runner=FlinkRunner"]) == ("--runner=FlinkRunner",)
