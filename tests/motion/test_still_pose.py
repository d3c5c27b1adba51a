"""The frame nearest to the mean, over all clips."""

import numpy as np
import pytest

from llavataros_jax.motion.still_pose import still_pose

CLIPS = [
    np.random.default_rng(seed).normal(size=(frames, 3, 2)) for seed, frames in ((1, 9), (2, 7))
]


@pytest.mark.parametrize("clips", [CLIPS, CLIPS[::-1], [np.zeros((0, 3, 2)), *CLIPS]])
def test_it_is_the_frame_nearest_to_the_mean(clips):
    frames = np.concatenate(CLIPS)
    mean = frames.mean(axis=0)
    expected = min(frames, key=lambda frame: float(np.linalg.norm(frame - mean)))
    np.testing.assert_array_equal(still_pose(iter(clips), mean), expected)


def test_it_is_a_copy_of_its_type():
    frames = np.zeros((2, 4), np.float32)
    pose = still_pose([frames], np.zeros(4, np.float32))
    frames[:] = 1
    assert pose.dtype == np.float32
    assert not pose.any()


def test_no_frames_are_an_error():
    with pytest.raises(ValueError, match="at least one frame"):
        still_pose([np.zeros((0, 3))], np.zeros(3))
