"""Frames a second are those of training: validation, samples and checkpoints take no part."""

import json

import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.loop import fit
from llavataros_jax.training.pace import Pace
from llavataros_jax.training.tracking import Tracker
from llavataros_jax.training.validation import Validation
from tests.training.records import LEAST, toy_config, write_records


class FakeClock:
    """Shows the seconds that were ticked."""

    def __init__(self):
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds

    def tick(self, seconds: float) -> None:
        self.seconds += seconds


def test_pauses_and_what_is_before_the_start_do_not_count():
    clock = FakeClock()
    pace = Pace(clock)
    clock.tick(100)
    with pace.paused():
        clock.tick(100)
        assert pace.per_second(30) is None, "nothing was timed yet"
    pace.start()
    clock.tick(2)
    with pace.paused():
        clock.tick(1000)
    clock.tick(1)
    with pace.paused():
        assert pace.per_second(30) == 10
    clock.tick(4)
    with pace.paused():
        assert pace.per_second(30) == 7.5


@pytest.mark.slow
def test_a_run_logs_the_speed_of_its_steps_alone(tmp_path, monkeypatch):
    manifest = write_records(tmp_path / "records")
    clock = FakeClock()

    def takes(seconds, result=None):
        def act(*_, **__):
            clock.tick(seconds)
            return result

        return act

    monkeypatch.setattr(Tracker, "advance", takes(2))  # called once a step
    monkeypatch.setattr(Validation, "__call__", takes(1000, {"loss": 1.0}))
    monkeypatch.setattr(Validation, "baseline", takes(5000, 1.0))
    monkeypatch.setattr(Checkpoints, "save", takes(50))
    monkeypatch.setattr(Checkpoints, "save_best", takes(70))
    config = toy_config(
        tmp_path / "records",
        tmp_path / "run",
        parallel={"devices": 1},
        model=LEAST,
        training={"steps": 5, "lanes": 4, "log_every": 2, "validate_every": 3,
                  "checkpoint_every": 4, "sample_every": 1},
    )  # fmt: skip
    fit(config, manifest, sampler=takes(300), clock=clock)
    source = LaneSource(
        ClipReader(tmp_path / "records", "train"),
        lanes=4, segment_frames=20, seed=1, random_phase=True,
        dealing=config.training.dealing,
    )  # fmt: skip
    frames = [int(source[step].frame_mask.sum()) for step in range(5)]
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").open()]
    speeds = {
        line["step"]: line["perf/frames_per_second"]
        for line in lines
        if "perf/frames_per_second" in line
    }
    # The first step compiles, so only the second of the first two is timed.
    assert speeds == {
        2: pytest.approx(frames[1] / 2),
        4: pytest.approx((frames[2] + frames[3]) / 4),
        5: pytest.approx(frames[4] / 2),
    }
