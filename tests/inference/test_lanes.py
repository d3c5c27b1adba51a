"""Several recordings side by side: who goes where, and that each moves as if it were alone."""

from typing import Any

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.inference.lanes import Turn, in_lanes
from tests.inference.sampled import animator, clip


@pytest.mark.parametrize("lanes", [1, 2, 3, 9])
def test_every_frame_is_animated_once_and_no_lane_waits_long(lanes):
    lengths = [7, 30, 1, 12, 25, 10, 11]
    turns = in_lanes(lengths, lanes, stretch_frames=10)
    every = [(number, first) for number, n in enumerate(lengths) for first in range(0, n, 10)]
    assert sorted(turn for lane in turns for turn in lane) == every
    for lane in filter(None, turns):  # a recording is never interrupted
        firsts = [place for place, turn in enumerate(lane) if turn.first == 0]
        for begin, end in zip(firsts, [*firsts[1:], len(lane)], strict=True):
            assert len({turn.clip for turn in lane[begin:end]}) == 1
            assert [turn.first for turn in lane[begin:end]] == list(
                range(0, 10 * (end - begin), 10)
            )
    longest = max(map(len, turns))
    assert longest <= max(3, -(-len(every) // lanes) * 4 / 3)
    assert turns[0][0] == Turn(1, 0)  # the longest comes first


def test_recordings_in_lanes_move_as_one_by_one():
    lengths, seeds = (48, 5, 30, 48, 29), [3, 1, 4, 1, 5]
    recordings = [
        (clip(n, frames), clip(n + 50, frames) if n % 2 else None)
        for n, frames in enumerate(lengths)
    ]
    found = animator().many(recordings, lanes=2, seeds=seeds)
    for recording, seed, poses in zip(recordings, seeds, found, strict=True):
        expected = animator()(*recording, seed=seed)
        assert poses.shape == expected.shape
        np.testing.assert_allclose(poses, expected, atol=1e-5)
    assert np.abs(found[0] - found[3]).max() > 0.01
    program: Any = animator()._run
    before = program._cache_size()
    animator().many(recordings[1::-1], lanes=2, seeds=[0, 2])
    assert program._cache_size() == before
    assert animator().many([]) == []
    with pytest.raises(UserError, match="2 seeds were given for 5 recordings"):
        animator().many(recordings, lanes=2, seeds=[0, 1])
