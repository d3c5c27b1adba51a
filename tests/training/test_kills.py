"""What SIGKILL leaves of a run that is being saved is whole, and what would differ is told."""

import json
import random
import sys

import jax
import pytest

from llavataros.benchmark.kills import kill_again, require_alike
from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints
from tests.backend import ROOT
from tests.training.states import abstract_state, require_equal, state_at


@pytest.mark.slow
@pytest.mark.long
def test_a_run_that_is_killed_twice_ends_as_one_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    command = [sys.executable, "-m", "tests.training.saving", str(tmp_path), "20"]
    # By the seed, both kills come after the first step. What steps sleep for is longer than that.
    kills = kill_again(
        command, tmp_path, count=2, steps_seconds=0.3, random=random.Random(158), environment={}
    )
    assert kills[0].step
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step == 20
        state = checkpoints.restore(abstract_state())
        assert not checkpoints.notes, "no checkpoint was damaged"
    expected = state_at(0).params
    for _ in range(20):
        expected = jax.tree.map(lambda x: x + 1, expected)
    require_equal(state.params, expected)


def test_a_process_that_ends_by_itself_is_no_killed_one(tmp_path):
    options = {"steps_seconds": 60.0, "random": random.Random(0), "environment": {}}
    for code in ("print('all done')", "raise SystemExit('no such config')"):
        with pytest.raises(UserError, match=r"ended before it was killed; last it said: (all|no)"):
            kill_again([sys.executable, "-c", code], tmp_path, count=1, **options)
    with pytest.raises(UserError, match="ended with code 1; last it said: no such config"):
        kill_again([sys.executable, "-c", code], tmp_path, count=0, **options)


def written(folder, *, seed: int, loss: float):
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(state_at(seed).replace(step=state_at(2).step))
    lines = [{"step": 2, "train/loss": loss, "perf/frames_per_second": hash(folder.name)}]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_states_and_losses_are_compared_bit_by_bit(tmp_path):
    alone = written(tmp_path / "alone", seed=2, loss=1.0)
    same = written(tmp_path / "same", seed=2, loss=1.0)
    assert "equal bit by bit: the whole state after step 2 (" in require_alike(alone, same, step=2)
    other = written(tmp_path / "other", seed=3, loss=1.0)
    with pytest.raises(UserError, match=r"step 2 \d+ of \d+ values differ, such as params/bias/"):
        require_alike(alone, other, step=2)
    logged = written(tmp_path / "logged", seed=2, loss=1.0 + 2**-52)
    with pytest.raises(UserError, match="logged of 1 steps differ, the first at step 2"):
        require_alike(alone, logged, step=2)
