"""A profile has the steps asked for, and no others."""

import gzip
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.training.profile import Profile

step = jax.jit(lambda state, batch: (state + batch, {"loss": (state * batch).sum()}))


def train(folder, *, steps, asked):
    said, state = [], jnp.zeros(3)
    with Profile(folder, asked, say=said.append) as profile:
        around = profile.around(step)
        for _ in range(steps):
            state, _ = around(state, jnp.ones(3))
    np.testing.assert_array_equal(state, np.full(3, steps))
    return said


def steps_in(folder):
    """Returns the numbers of the steps in the trace, which another program would show."""
    (path,) = folder.rglob("*.trace.json.gz")
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    return sorted(int(e["args"]["step_num"]) for e in events if e.get("name") == "train")


@pytest.mark.parametrize(("steps", "traced"), [(20, [5, 6, 7, 8]), (7, [5, 6])])
def test_the_steps_after_the_first_are_traced_as_far_as_training_goes(tmp_path, steps, traced):
    (said,) = train(tmp_path, steps=steps, asked=4)
    assert steps_in(tmp_path / "profile") == traced
    assert f"a trace of {len(traced)} steps is in {tmp_path / 'profile'}" in said


def test_training_that_ends_before_says_so(tmp_path):
    (said,) = train(tmp_path, steps=5, asked=4)
    assert "no profile was written: training ended after 5 steps" in said
    assert not (tmp_path / "profile").exists()


def test_without_a_profile_the_step_is_the_same_function(tmp_path):
    with Profile(tmp_path, 0, say=pytest.fail) as profile:
        assert profile.around(step) is step
    with pytest.raises(UserError, match="--profile is -1"):
        Profile(tmp_path, -1)
