"""EMAGE's protocol against plain loops, closed forms, and a run of the reference code."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.likeness import semantic_recall
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols import emage
from llavataros_jax.evaluation.protocols.beat2 import read_mean_speeds
from llavataros_jax.evaluation.protocols.semantics import Semantics
from llavataros_jax.evaluation.protocols.smplx_joints import (
    BEAT_JOINTS,
    SMPLX_JOINTS,
    axis_angles,
    from_pelvis,
)
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.smplx import read_smplx
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.people import standing
from tests.evaluation.protocols.bodies import RATE, body, clicking, values
from tests.evaluation.protocols.reference_beats import alignment, motion_beats

DATA = Path(__file__).parents[4] / "shared" / "data"
SCOTT = DATA / "beat2" / "2_scott_0_1_1"
EXACT, CORRECTED = ProtocolOptions(), ProtocolOptions(quirks=False)


def test_a_body_seen_from_its_pelvis_knows_neither_place_nor_turn():
    plain, turned = body(turned=0.0), body(turned=1.2)
    # Waves of the pelvis are alike but for the turn, and neither counts.
    first, second = from_pelvis(plain), from_pelvis(turned)
    np.testing.assert_allclose(first.positions, second.positions, atol=1e-9)
    np.testing.assert_allclose(first.positions[:, 0], 0, atol=1e-12)
    # The lowest joint of the spine hangs on the pelvis alone, so it stands still.
    np.testing.assert_allclose(np.diff(first.positions[:, 1], axis=0), 0, atol=1e-12)


def test_places_alone_keep_their_turn():
    motion = body()
    found = from_pelvis(motion.moved(motion.positions))
    np.testing.assert_allclose(found.positions, motion.positions - motion.positions[:, :1])


def test_axis_angles_are_those_that_the_file_would_have():
    motion = body(num_frames=20)
    assert motion.motion is not None
    vectors = axis_angles(motion.motion)
    assert np.linalg.norm(vectors, axis=-1).max() < np.pi
    turned = np.linalg.norm(vectors[3, 9])
    trace = np.trace(motion.motion.local_rotations()[3, 9])
    assert 2 * np.cos(turned) + 1 == pytest.approx(trace, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("options", [EXACT, CORRECTED])
def test_beat_consistency_is_that_of_plain_loops(tmp_path, options):
    motions, weights, found = [body(600, seed=2), body(450, seed=3, amplitude=0.1)], [], []
    spoken = clicking(tmp_path)
    sound, _ = librosa.load(spoken.recording, sr=RATE)
    performances = []
    for motion in motions:
        frames = motion.num_frames
        performances.append(Performance(str(frames), "x", motion, (motion,), spoken))
        short = sound[2 * RATE : int((frames - 60) / 30 * RATE)]
        onsets = librosa.onset.onset_detect(y=short, sr=RATE, hop_length=512, units="time")
        world = np.gradient(motion.positions, axis=0) * 30
        means = np.linalg.norm(world, axis=2).mean(axis=0)
        places, joints = from_pelvis(motion).positions, []
        for joint in map(motion.skeleton.names.index, BEAT_JOINTS):
            beats = motion_beats(
                places[:, joint],
                means[joint],
                threshold=0.1,
                trim=60,
                mask_offset=0 if options.quirks else 60,
            )
            joints.append(alignment(onsets, beats))
        found.append(np.mean(joints))
        weights.append(frames - 120)
    wanted = np.average(found, weights=weights)
    assert 0.2 < wanted < 1
    result = values(emage.protocol(options), *performances)
    assert result["beat_consistency"] == pytest.approx(wanted, abs=1e-12)


def test_diversity_of_one_wave_and_recall_by_hand():
    motion = body(300)
    places = from_pelvis(motion).positions
    wanted = np.abs(places - places.mean(axis=0)).sum() / 300
    higher = body(300, seed=5)
    errors = np.linalg.norm(places - from_pelvis(higher).positions, axis=2)
    found = values(emage.protocol(EXACT), Performance("a", "x", motion, (motion,)))
    assert found["l1_diversity_metres"] == pytest.approx(wanted, rel=1e-12)
    assert found["semantic_recall"] == 1
    found = values(emage.protocol(EXACT), Performance("a", "x", motion, (higher,)))
    assert found["semantic_recall"] == pytest.approx((errors < 0.1).mean(), rel=1e-12)


def test_weights_of_meaning_are_by_frame(tmp_path):
    (tmp_path / "a.txt").write_text("01_beat\t1.0\t2.0\t1.0\t0.5\tx\n02\t5\t5.5\t0.5\t1.0\t\n")
    motion, other = body(300), body(300, seed=5)
    found = values(
        emage.protocol(EXACT, semantics=tmp_path), Performance("a", "x", motion, (other,))
    )
    errors = np.linalg.norm(from_pelvis(motion).positions - from_pelvis(other).positions, axis=2)
    weights = np.zeros(300)
    weights[30:61], weights[150:166] = 0.5, 1.0
    wanted = ((errors < 0.1).mean(axis=1) * weights).mean() / 0.165
    assert found["semantic_recall"] == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(UserError, match=r"b\.txt cannot be read"):
        values(emage.protocol(EXACT, semantics=tmp_path), Performance("b", "x", motion, (other,)))


@pytest.mark.slow
def test_silence_and_short_clips_have_no_beat_consistency(tmp_path):
    protocol, motion = emage.protocol(EXACT), body(600)
    silent = clicking(tmp_path, [])
    assert "beat_consistency" not in values(protocol, Performance("a", "x", motion, (motion,)))
    found = values(protocol, Performance("a", "x", motion, (motion,), silent))
    assert "beat_consistency" not in found
    short = body(120)
    performance = Performance("a", "x", short, (short,), clicking(tmp_path))
    assert set(values(protocol, performance)) == {"l1_diversity_metres", "semantic_recall"}


def test_half_rate_is_stretched_or_keeps_its_times():
    slow = body(300, fps=15.0)
    performance = Performance("a", "x", body(600), (slow,))
    exact = emage.protocol(EXACT).prepare(performance).predicted[0]
    corrected = emage.protocol(CORRECTED).prepare(performance).predicted[0]
    assert (exact.num_frames, corrected.num_frames) == (600, 600)
    joints = [slow.skeleton.names.index(name) for name in corrected.skeleton.names]
    np.testing.assert_allclose(corrected.positions[::2], slow.positions[:, joints], atol=1e-9)
    np.testing.assert_allclose(exact.positions[-1], slow.positions[-1, joints], atol=1e-9)
    assert np.abs(exact.positions[::2] - slow.positions[:, joints]).max() > 1e-3


def test_other_bodies_are_refused():
    motion = of_motion(standing())
    with pytest.raises(UserError, match=r"clip a lacks 12 of the 14 .* choose torso"):
        emage.protocol(EXACT).prepare(Performance("a", "x", motion, ()))


def test_mean_speeds_must_be_55_positive_numbers(tmp_path):
    path = tmp_path / "speeds.npy"
    np.save(path, np.ones(55))
    np.testing.assert_array_equal(read_mean_speeds(path), np.ones(55))
    np.save(path, np.ones(47))
    with pytest.raises(UserError, match=r"shape \(47,\)"):
        read_mean_speeds(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_mean_speeds(tmp_path / "none.npy")


@pytest.mark.slow
@pytest.mark.skipif(not SCOTT.with_suffix(".npz").exists(), reason="no ../shared/data/beat2")
def test_numbers_of_a_recording_are_those_of_the_reference_code():
    """`BC`, `L1div` and `SRGR` of mertic.py were run on positions of the same textbook body.

    The 14 joints stood in an array of 55, `mmae` was the recording's own mean speeds in the world,
    and SRGR was of a copy moved by 0.15 sin(2 pi t / 7) (1 + row % 3) / 3 metres along x.
    """
    motion = of_motion(read_smplx(SCOTT.with_suffix(".npz")))
    spoken = Spoken(SCOTT.with_suffix(".wav"), 0.0, motion.seconds)
    rows = np.array([SMPLX_JOINTS.index(name) for name in motion.skeleton.names])
    found = values(emage.protocol(EXACT), Performance("a", "x", motion, (motion,), spoken))
    assert found["beat_consistency"] == pytest.approx(0.7189854440393881, abs=1e-9)
    assert found["l1_diversity_metres"] == pytest.approx(1.202105451437399, rel=1e-9)
    still = from_pelvis(motion).positions
    time = np.arange(motion.num_frames) / 30
    moved = still.copy()
    moved[..., 0] += 0.15 * np.sin(2 * np.pi * time / 7)[:, None] * (1 + rows % 3) / 3
    assert semantic_recall(moved, still) == pytest.approx(0.8866736621196223, rel=1e-9)
    gestures = Semantics(((3.0, 4.0, 1.0), (10.05, 12.3, 0.6), (30.0, 31.5, 0.3)))
    weights = gestures.widest(motion.num_frames, 30)
    # The leaderboard's SRGR with its `parse_semantic`, and EMAGE's with the same weights.
    for mean_weight, wanted in ((0.1672, 0.2485899196636407), (0.165, 0.25190444768431164)):
        found = semantic_recall(moved, still, weights=weights, mean_weight=mean_weight)
        # Its weights are float32.
        assert found == pytest.approx(wanted, rel=1e-7)
