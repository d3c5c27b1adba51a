"""The gain against closed forms, and on motion whose speed is known."""

import numpy as np
import pytest

from llavataros.heads.gain import pooled_ratio, size_for_real_speed
from llavataros_jax.motion.smoothing import enlarged


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        (lambda size: 0.4 * size, 2.5),
        (lambda size: 1.25 * size, 0.8),
        (lambda size: 0.5 * size**2, np.sqrt(2)),
        (lambda size: 0.1 + np.sin(size / 2), 2 * np.arcsin(0.9)),
        (lambda size: 0.2 * size, 3.0),
        (lambda size: 1.5 + size, 0.0),
    ],
)
def test_the_size_solves_what_has_a_closed_form(ratio, size) -> None:
    assert size_for_real_speed(ratio) == pytest.approx(size, abs=2e-3)


def test_movement_about_a_slow_course_is_brought_to_the_real_speed() -> None:
    """Two sines that are too small by factors: the slow course of a fast sine is nearly still."""
    time = np.arange(600)[:, None] / 30
    real = [np.sin(2 * np.pi * hertz * time) for hertz in (2.0, 3.0)]

    def length(path: np.ndarray) -> float:
        return float(np.abs(np.diff(path, axis=0)).sum())

    def ratio(size: float) -> float:
        ours = [enlarged(0.4 * path, 30, size) for path in real]
        return pooled_ratio([(length(o), length(r)) for o, r in zip(ours, real, strict=True)])

    assert size_for_real_speed(ratio) == pytest.approx(2.5, rel=0.01)


def test_ratios_are_pooled_and_not_averaged() -> None:
    assert pooled_ratio([(1.0, 1.0), (1.0, 3.0)]) == 0.5
    assert np.isnan(pooled_ratio([(1.0, 0.0)]))
