"""Going on from a checkpoint takes the memory of one state, not of two, in either mode."""

from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from llavataros_jax.config import ParallelConfig
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.trainer import Trainer
from tests.training.states import require_equal, state_at


@pytest.mark.parametrize("mode", ["jit", "pmap"])
def test_going_on_makes_no_second_state(tmp_path, mode):
    launcher = build_launcher(ParallelConfig(mode=mode, devices=2), 2)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state_at(3), wait=True)
        parts = SimpleNamespace(
            init=pytest.fail, abstract=launcher.abstract, from_checkpoint=lambda state: state
        )
        trainer: Any = SimpleNamespace(
            launcher=parts, checkpoints=checkpoints, make_state=lambda: state_at(3)
        )
        require_equal(Trainer.start(trainer), state_at(3))


@pytest.mark.parametrize("mode", ["jit", "pmap"])
def test_a_step_takes_what_was_restored(tmp_path, mode, unchecked):
    """JAX refuses arrays that lie on other devices than a program expects them on."""
    launcher = build_launcher(ParallelConfig(mode=mode, devices=2), 2)

    def step(state, batch, axis_name=None):
        total = batch.sum() if axis_name is None else jax.lax.psum(batch.sum(), axis_name)
        return state.replace(step=state.step + 1), total

    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state_at(3), wait=True)
        restored = checkpoints.restore(launcher.abstract(jax.eval_shape(lambda: state_at(3))))
    batch: Any = np.arange(2.0, dtype=np.float32)
    state, total = launcher.train(step)(launcher.from_checkpoint(restored), launcher.place(batch))
    assert (int(state.step), float(total)) == (4, 1.0)
    wanted = state_at(3).replace(step=state.step)
    require_equal(launcher.to_checkpoint(state).replace(opt_state=()), wanted.replace(opt_state=()))
