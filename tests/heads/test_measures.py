"""Several motions of one clip: each counts for itself."""

import numpy as np
import pytest

from llavataros.heads.measures import FD_K, JERK_RATIO, gather_each, mean_of_each, open_measures
from llavataros_jax.evaluation.catalogue.movement import HAND_SPEED_RATIO
from llavataros_jax.evaluation.frechet import frechet_distance, velocities
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import of_motion
from tests.rendering.people import standing


@pytest.fixture(scope="module")
def take() -> Take:
    real = of_motion(standing(60))
    chance = np.random.default_rng(0)
    faster, noisy = (
        real.moved(real.positions[::-1] * factor + noise * chance.normal(size=real.positions.shape))
        for factor, noise in ((1.5, 0.0), (1.0, 0.01))
    )
    return Take("a", "ada", faster, real, others=(noisy,))


def test_values_of_samples_are_averaged(take: Take) -> None:
    sums = gather_each(FD_K, take)
    assert sums is not None
    wanted = np.mean(
        [
            frechet_distance(velocities(motion), velocities(take.real))
            for motion in (take.motion, *take.others)
        ]
    )
    assert mean_of_each(FD_K.finish, 2)(sums) == pytest.approx(wanted, rel=1e-9)


def test_jerk_is_told_by_the_recorded_one(take: Take) -> None:
    def jerk(motion) -> float:
        steps = np.diff(motion.positions, 3, axis=0) * motion.fps**3
        return np.linalg.norm(steps, axis=-1).mean()

    sums = JERK_RATIO.gather(take)
    assert sums is not None
    assert JERK_RATIO.finish(sums) == pytest.approx(jerk(take.motion) / jerk(take.real), rel=1e-9)


def test_the_columns_that_need_no_files_are_there() -> None:
    protocol, measures = open_measures(None, None)
    assert [one.key for one in measures] == [
        *(HAND_SPEED_RATIO.key, "amplitude_ratio", "jerk_ratio", FD_K.key, "fd_g_metres2")
    ]
    assert any("--embedding" in lacking for lacking in protocol.lacks)
    assert any("--alignment" in lacking for lacking in protocol.lacks)
