"""One pass over clips: what a table warns of, and what it refuses."""

import dataclasses

import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.engine import evaluate
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols.torso import protocol
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.people import LEFT_HAND, standing, strokes


class Clips:
    """Clips of somebody who moves a hand, as sources give them."""

    system, split = "ours", "all"

    def __init__(self, samples: int, fps: tuple[float, ...] = (30.0, 30.0)):
        self.samples, self.fps = samples, fps

    def __len__(self) -> int:
        return len(self.fps)

    def __getitem__(self, clip: int) -> Performance:
        hand = strokes([1.0, 2.0], num_frames=90)
        motion = of_motion(standing({LEFT_HAND: hand}, num_frames=90, fps=self.fps[clip]))
        return Performance(f"clip {clip}", "ada", motion, (motion,) * self.samples)


def torso(samples: int):
    return dataclasses.replace(protocol(ProtocolOptions()), samples=samples)


@pytest.mark.parametrize(
    ("given", "wanted", "is_told"), [(1, 5, True), (5, 5, False), (2, 1, False)]
)
def test_fewer_samples_than_the_protocol_wants_are_told(given, wanted, is_told) -> None:
    warnings = evaluate(Clips(given), torso(wanted), resamples=0).warnings
    told = [warning for warning in warnings if "samples of each clip" in warning]
    assert bool(told) == is_told
    assert all(f"{given} of the {wanted} samples" in warning for warning in told)


def test_clips_of_two_rates_are_no_table() -> None:
    with pytest.raises(UserError, match=r"clip 1 has 25 frames per second, the clips before it 30"):
        evaluate(Clips(1, (30.0, 25.0)), torso(1), resamples=0)


def test_no_clips_are_no_table() -> None:
    with pytest.raises(UserError, match="ours has no clip of the split all"):
        evaluate(Clips(1, ()), torso(1), resamples=0)
