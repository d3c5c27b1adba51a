"""The loss of the sampled head: sums over the frames that exist, whatever lies in the others."""

import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.config import FlowConfig
from llavataros_jax.model import FlowErrors
from llavataros_jax.training.flow_loss import flow_loss, flow_sums, flow_weights

DRAWS, LANES, FRAMES, SIZE = 3, 2, 5, 4
EXISTS = np.array([[True, True, True, False, False], [True, True, True, True, True]])


def test_terms_are_means_over_what_exists():
    draw = np.random.default_rng(0)
    velocity = draw.normal(size=(DRAWS, LANES, FRAMES, SIZE)).astype(np.float32)
    change = draw.normal(size=(DRAWS, LANES, FRAMES - 1, SIZE)).astype(np.float32)
    pace = draw.normal(size=(LANES, FRAMES - 1)).astype(np.float32)
    pairs = EXISTS[:, 1:] & EXISTS[:, :-1]
    means = {
        "flow": np.abs(velocity[:, EXISTS]).mean(),
        "flow_change": np.abs(change[:, pairs]).mean(),
        "pace": np.square(pace[pairs]).mean(),
    }
    velocity[:, ~EXISTS] = np.nan
    change[:, ~pairs] = np.inf
    pace[~pairs] = np.nan
    estimate = jnp.zeros((LANES, FRAMES, 6))
    errors = FlowErrors(*map(jnp.asarray, (velocity, change, pace)), estimate)
    exists = jnp.asarray(EXISTS)
    sums, weights = flow_sums(errors, exists), flow_weights(exists, size=SIZE)
    for name, wanted in means.items():
        assert float(sums[name]) / int(weights[name]) == pytest.approx(wanted, rel=1e-5)
    flow = FlowConfig(difference=0.5, pace_weight=2.0)
    wanted = means["flow"] + 0.5 * means["flow_change"] + 2 * means["pace"]
    assert float(flow_loss(sums, weights, flow)) == pytest.approx(wanted, rel=1e-5)
