"""Components of poses against scikit-learn's whitened principal components."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from llavataros_jax.errors import UserError
from llavataros_jax.motion.pose_basis import PoseBasis


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(4, 7)) * np.array([3.0, 1.0, 0.5, 0.01])[:, None]
    mix[:, 2] = 0.0  # a dimension that never changes
    return [np.cumsum(rng.normal(size=(n, 4)), axis=0) @ mix for n in (60, 25, 1)]


def test_components_are_whitened_principal_components(clips):
    poses = np.concatenate(clips)
    basis = PoseBasis.measure(clips, kept_variance=1.0)
    oracle = PCA(n_components=basis.size).fit(poses)
    ours, theirs = basis.components(poses), oracle.transform(poses)
    theirs = theirs / theirs.std(axis=0)
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours, theirs * signs, atol=2e-3)
    np.testing.assert_allclose(basis.poses(ours), poses, atol=1e-2)


def test_as_many_components_as_the_variance_needs(clips):
    share = PCA().fit(np.concatenate(clips)).explained_variance_ratio_
    for kept in (0.5, 0.9, 0.99, 1.0):
        basis = PoseBasis.measure(clips, kept_variance=kept)
        assert share[: basis.size].sum() >= kept - 1e-6
        assert basis.size == 1 or share[: basis.size - 1].sum() < kept


def test_the_rate_is_of_changes_within_clips(clips):
    basis = PoseBasis.measure(clips, kept_variance=0.99)
    changes = np.concatenate([np.diff(basis.components(clip), axis=0) for clip in clips])
    wanted = np.sqrt(np.square(changes).mean(axis=0))
    np.testing.assert_allclose(basis.rate_per_frame, wanted, rtol=1e-3)


def test_an_axis_points_the_same_way_however_it_was_found(clips):
    basis = PoseBasis.measure(clips, kept_variance=0.99)
    turned = PoseBasis.measure([-clip for clip in clips], kept_variance=0.99)
    np.testing.assert_allclose(basis.axes, turned.axes, atol=1e-4)
    kept = PoseBasis.from_dict(basis.to_dict())
    for name in ("mean", "axes", "scale", "rate_per_frame"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(basis, name))


@pytest.mark.parametrize("clips", [[], [np.ones((5, 3))]])
def test_motion_that_never_moves_is_refused(clips):
    with pytest.raises(UserError, match="never moves"):
        PoseBasis.measure(clips, kept_variance=0.99)
