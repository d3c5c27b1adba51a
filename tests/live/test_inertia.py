"""A jump fades: by SciPy's polynomials, and by what it does to hands of the corpus."""

from pathlib import Path

import numpy as np
from scipy.interpolate import BPoly

from llavataros.live.inertia import PLACE_SECONDS, VELOCITY_SECONDS, Inertia
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.npy import read_npy

CORPUS = Path(__file__).parents[2] / "corpus"
FPS = 30


def test_the_offset_is_the_polynomial_of_its_ends():
    place, velocity = np.array([0.3, -0.2, 0.0]), np.array([0.0, 1.5, -1.0])
    jump = Inertia(7, place, velocity, FPS)
    frames = np.arange(7, 60)
    found = jump.over(np.zeros((len(frames), 3)), frames)
    seconds, rest = (frames - 6) / FPS, np.zeros(3)
    wanted = np.zeros_like(found)
    for ends, begin in (
        (PLACE_SECONDS, [place, rest, rest]),
        (VELOCITY_SECONDS, [rest, velocity, rest]),
    ):
        curve = BPoly.from_derivatives([0, ends], [begin, [rest, rest, rest]])
        wanted += np.where(seconds[:, None] < ends, curve(np.minimum(seconds, ends)), 0.0)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert not found[frames >= jump.end_frame].any()
    assert found[frames == jump.end_frame - 1].any()


def test_hands_stopped_anywhere_are_no_faster_than_they_were_and_soon_at_rest():
    motion = read_npy(CORPUS / "ada_1.npz").cut(0, 400)
    codec = PoseCodec.measure([(motion, 0)], 1)
    poses = codec.encode(motion)
    places = codec.decode(poses, FPS).positions
    fastest = np.linalg.norm(np.diff(places, axis=0), axis=-1).max()
    hardest = np.linalg.norm(np.diff(places, 2, axis=0), axis=-1).max()
    rest, after = poses[3], 40
    for frame in range(20, 400, 13):
        jump = Inertia(
            frame, poses[frame - 1] - rest, (poses[frame - 1] - poses[frame - 2]) * FPS, FPS
        )
        stopped = jump.over(np.tile(rest, (after, 1)), np.arange(frame, frame + after))
        shown = codec.decode(np.concatenate([poses[frame - 3 : frame], stopped]), FPS)
        moved = np.diff(shown.positions, axis=0)
        assert np.linalg.norm(moved, axis=-1).max() <= fastest
        assert np.linalg.norm(np.diff(moved, axis=0), axis=-1).max() <= hardest
        assert np.abs(moved[2 + FPS :]).max() < 1e-9
