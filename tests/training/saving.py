"""A training without a network: each step adds 1, and the state is saved. `saving.py RUN STEPS`."""

import dataclasses
import sys
import time
from pathlib import Path

import jax

from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.state import TrainState
from tests.training.states import abstract_state, state_at


def step_of(state: TrainState) -> TrainState:
    """Returns the state after a step."""
    params = jax.tree.map(lambda x: x + 1, state.params)
    return dataclasses.replace(state, step=state.step + 1, params=params)


def main(run: Path, steps: int) -> None:
    """Goes on from the newest checkpoint."""
    with Checkpoints(run) as checkpoints:
        state = state_at(0)
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(abstract_state())
        while state.step < steps:
            state = step_of(state)
            checkpoints.save(state)
            print(f"step {state.step}/{steps} · loss {checkpoints.notes}", flush=True)
            time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
