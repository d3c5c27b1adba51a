"""The gain against closed forms, and on motion whose speed is known."""

import numpy as np
import pytest

from llavataros.heads.gain import pooled_ratio, size_for_real_speed
from llavataros_jax.motion.enlargement import enlarge_recording


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


def test_movement_is_brought_to_the_speed_of_what_is_larger_by_a_known_size() -> None:
    """Two sines of different swing, recorded 2.5 times as large about their slow course."""
    time = np.arange(600)[:, None] / 30
    small = [swing * np.sin(2 * np.pi * hertz * time) for swing, hertz in ((0.4, 2.0), (1.0, 0.3))]

    def length(path: np.ndarray) -> float:
        return float(np.abs(np.diff(path, axis=0)).sum())

    real = [length(enlarge_recording(path, 2.5, fps=30)) for path in small]

    def ratio(size: float) -> float:
        ours = [length(enlarge_recording(path, size, fps=30)) for path in small]
        return pooled_ratio(list(zip(ours, real, strict=True)))

    assert size_for_real_speed(ratio) == pytest.approx(2.5, abs=2e-3)


def test_ratios_are_pooled_and_not_averaged() -> None:
    assert pooled_ratio([(1.0, 1.0), (1.0, 3.0)]) == 0.5
    assert np.isnan(pooled_ratio([(1.0, 0.0)]))
