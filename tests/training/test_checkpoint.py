"""What a checkpoint keeps, how many there are, and that training need not wait for them."""

import jax
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints
from tests.training.states import abstract_state, require_equal, state_at


def test_so_many_of_the_newest_stay(tmp_path):
    with Checkpoints(tmp_path, keep=3) as checkpoints:
        for step in range(1, 6):
            checkpoints.save(state_at(step))
    kept = {path.name for path in (tmp_path / "checkpoints" / "latest").iterdir()}
    assert kept == {"3", "4", "5"}


@pytest.mark.parametrize("series", ["latest", "best"])
def test_what_is_written_is_not_the_memory_that_steps_are_given(tmp_path, monkeypatch, series):
    """On a CPU, a step that is given memory that is being written waits for the disk."""
    state = state_at(3)
    own = {leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves((state.params, state.carry))}
    written = []
    with Checkpoints(tmp_path) as checkpoints:
        orbax = getattr(checkpoints, f"_{series}")
        save = orbax.save_checkpointables_async

        def note(step, parts, **options):
            written.extend(jax.tree.leaves(parts["params"]))
            written.extend(jax.tree.leaves(parts.get("training", {}).get("carry")))
            return save(step, parts, **options)

        monkeypatch.setattr(orbax, "save_checkpointables_async", note)
        if series == "latest":
            checkpoints.save(state)
        else:
            checkpoints.save_best(3, state.params, 0.5)
    assert len(written) >= 2
    assert not own & {leaf.unsafe_buffer_pointer() for leaf in written}


def test_a_step_that_gives_the_state_up_at_once_changes_nothing_that_is_saved(tmp_path):
    step = jax.jit(
        lambda state: state.replace(params=jax.tree.map(lambda x: x + 1, state.params)),
        donate_argnums=0,
    )
    state = state_at(2)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state)
        for _ in range(3):
            state = step(state)
        checkpoints.wait()
        require_equal(checkpoints.restore(abstract_state()), state_at(2))


def test_training_goes_on_in_the_same_plan_alone(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state_at(1))
        checkpoints.save(state_at(2), plan="0a1b")
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.require_plan(0, "ffff")  # a new run
        checkpoints.require_plan(1, "ffff")  # of an older version
        checkpoints.require_plan(2, "0a1b")
        with pytest.raises(
            UserError, match=r"latest/2 was saved .*plan 0a1b, here ffff.*start_from"
        ):
            checkpoints.require_plan(2, "ffff")
