"""Going on from a checkpoint takes the memory of one state, not of two."""

from types import SimpleNamespace
from typing import Any

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
