"""The average of parameters: its closed form, and checkpoints with and without one.

That a run with one goes on bit by bit is tested in `test_loop.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct
from orbax.checkpoint import v1 as ocp

from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints, load_params
from llavataros_jax.training.moving_average import moving_average
from llavataros_jax.training.run import open_run
from tests.training.records import toy_config, write_records
from tests.training.test_damage import abstract_state, require_equal, state_at


@pytest.mark.parametrize("decay", [0.3, 0.9, 0.999])
def test_the_average_is_the_weighted_sum_of_all_that_was(decay):
    """Parameters p₀ … pₙ have the weights (1 − dₖ) dₖ₊₁ … dₙ, of which p₀'s is d₁ … dₙ."""
    seen = np.random.default_rng(0).normal(size=(41, 3)).astype(np.float32)
    average = {"kernel": jnp.asarray(seen[0])}
    for step, params in enumerate(seen[1:]):
        average = moving_average(
            average, {"kernel": jnp.asarray(params)}, jnp.asarray(step, jnp.int32), decay=decay
        )
    kept = np.minimum(decay, np.arange(1, 41) / np.arange(10, 50))
    weights = np.r_[1.0, 1 - kept] * np.r_[np.cumprod(kept[::-1])[::-1], 1.0]
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(average["kernel"], weights @ seen.astype(np.float64), rtol=2e-5)


@pytest.mark.parametrize("value", [1.0, -0.1])
def test_a_decay_that_is_no_share_is_refused(value):
    with pytest.raises(UserError, match=r"optimizer\.ema_decay must be in \[0, 1\)"):
        config_from_dict({"optimizer": {"ema_decay": value}})


@struct.dataclass
class OlderState:
    """The state as runs had it before there was an average."""

    step: jax.Array
    params: dict
    opt_state: optax.OptState
    key: jax.Array
    carry: struct.PyTreeNode


def test_an_older_checkpoint_is_restored_as_before(tmp_path):
    state = state_at(6)
    older = OlderState(state.step, {}, state.opt_state, state.key, state.carry)
    ocp.save_checkpointables(
        tmp_path / "checkpoints" / "latest" / "6", {"params": state.params, "training": older}
    )
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(abstract_state())
        assert checkpoints.notes == []
    assert restored.average is None
    require_equal(restored, state)
    params, _ = load_params(tmp_path, abstract_state().params)
    require_equal(params, state.params)


def test_the_latest_keeps_both_and_is_animated_with_the_average(tmp_path):
    def averaged(step):
        return state_at(step).replace(average=state_at(step + 1).params)

    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(averaged(2), wait=True)
        abstract = abstract_state()
        abstract = abstract.replace(average=abstract.params)
        require_equal(checkpoints.restore(abstract), averaged(2))
    params, name = load_params(tmp_path, abstract.params)
    assert name == "latest/2"
    require_equal(params, state_at(3).params)


def test_a_run_keeps_the_decay_that_it_began_with(tmp_path):
    manifest = write_records(tmp_path)
    open_run(toy_config(tmp_path, tmp_path / "run", optimizer={"ema_decay": 0.9}), manifest)
    with pytest.raises(UserError, match=r"optimizer\.ema_decay was 0\.9 and is now 0\.0"):
        open_run(toy_config(tmp_path, tmp_path / "run"), manifest)
