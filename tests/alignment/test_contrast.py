"""The contrastive loss beside SciPy's and PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from llavataros_jax.alignment.contrast import contrastive_loss

SIMILARITY = np.random.default_rng(0).standard_normal((12, 12)).astype(np.float32) * 3


def loss_of(similarity, rivals):
    return contrastive_loss(jnp.array(similarity), jnp.array(rivals))


def test_it_is_the_mean_cross_entropy_of_rows_and_columns():
    rows = logsumexp(SIMILARITY, axis=1) - np.diagonal(SIMILARITY)
    columns = logsumexp(SIMILARITY, axis=0) - np.diagonal(SIMILARITY)
    loss = loss_of(SIMILARITY, np.ones((12, 12), bool))
    assert float(loss) == pytest.approx((rows.mean() + columns.mean()) / 2, rel=1e-6)


def test_it_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    given, right = torch.tensor(SIMILARITY), torch.arange(12)
    both = [torch.nn.functional.cross_entropy(logits, right) for logits in (given, given.T)]
    loss = loss_of(SIMILARITY, np.ones((12, 12), bool))
    assert float(loss) == pytest.approx(float(sum(both)) / 2, rel=1e-6)


def test_what_is_no_rival_does_not_count():
    rivals = np.random.default_rng(1).random((12, 12)) < 0.4
    rivals |= rivals.T
    masked = np.where(rivals | np.eye(12, dtype=bool), SIMILARITY, -np.inf)
    expected = [logsumexp(masked, axis=axis) - np.diagonal(masked) for axis in (0, 1)]
    loss = loss_of(SIMILARITY, rivals)
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-6)


def test_windows_without_any_rival_have_no_loss_and_a_gradient():
    none = np.zeros((12, 12), bool)
    assert float(loss_of(SIMILARITY, none)) == pytest.approx(0)
    assert np.isfinite(jax.grad(contrastive_loss)(jnp.array(SIMILARITY), jnp.array(none))).all()
