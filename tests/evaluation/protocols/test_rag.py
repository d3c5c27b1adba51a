"""RAG-Gesture's protocol against plain loops and a run of the reference code."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols import rag
from llavataros_jax.evaluation.protocols.smplx_joints import BEAT_JOINTS, unplaced
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.smplx import read_smplx
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.protocols.bodies import RATE, body, clicking, values
from tests.evaluation.protocols.reference_beats import alignment, motion_beats

DATA = Path(__file__).parents[4] / "shared" / "data"
SCOTT = DATA / "beat2" / "2_scott_0_1_1"
EXACT, CORRECTED = ProtocolOptions(), ProtocolOptions(quirks=False)


@pytest.mark.slow
def test_chunks_are_those_of_plain_loops(tmp_path):
    motion, spoken = body(700, seed=6), clicking(tmp_path)
    sound, _ = librosa.load(spoken.recording, sr=RATE)
    world = np.gradient(motion.positions, axis=0) * 30
    means = np.linalg.norm(world, axis=2).mean(axis=0)
    places, scores, sums = motion.positions - motion.positions[:, :1], [], []
    for first in (0, 300):
        part, edge = places[first : first + 300], int(10 * RATE / 30)
        heard = sound[first * RATE // 30 :][: 10 * RATE][edge:-edge]
        onsets = librosa.onset.onset_detect(y=heard, sr=RATE, hop_length=512, units="time")
        joints = map(motion.skeleton.names.index, BEAT_JOINTS)
        beats = [
            motion_beats(part[:, j], means[j], threshold=0.3, trim=10, mask_offset=10)
            for j in joints
        ]
        scores.append(np.mean([alignment(onsets, each) for each in beats]))
        sums.append(np.abs(part - part.mean(axis=0)).sum())
    found = values(rag.protocol(CORRECTED), Performance("a", "x", motion, (motion,), spoken))
    assert found["beat_consistency"] == pytest.approx(np.mean(scores), abs=1e-12)
    assert found["l1_diversity_metres"] == pytest.approx(sum(sums) / 600, rel=1e-12)
    wanted = np.linalg.norm(places[:300] - places[300:600]) / 300
    assert found["chunk_diversity_metres"] == pytest.approx(wanted, rel=1e-12)


def test_recall_is_by_summed_coordinates(tmp_path):
    motion, other = body(300), body(300, seed=8)
    errors = np.abs(unplaced(motion).positions - unplaced(other).positions).sum(axis=2)
    found = values(rag.protocol(CORRECTED), Performance("a", "x", motion, (other,)))
    near = (errors < 0.3).mean(axis=1)
    assert found["semantic_recall"] == pytest.approx(near.mean(), rel=1e-12)
    assert 0.1 < near.mean() < 0.9
    (tmp_path / "a.txt").write_text("x\t2.0\t4.0\t2.0\t0.5\t\n")
    protocol = rag.protocol(CORRECTED, semantics=tmp_path)
    found = values(protocol, Performance("a", "x", motion, (other,)))
    half = np.zeros(150)
    half[30:61] = 0.5
    places = np.clip((np.arange(300) + 0.5) / 2 - 0.5, 0, 149)
    weights = np.interp(places, np.arange(150), half)
    wanted = (near * weights).mean() / 0.165
    assert found["semantic_recall"] == pytest.approx(wanted, rel=1e-12)


def test_the_recording_goes_the_way_of_the_systems():
    motion = body(600)
    assert motion.motion is not None
    slow = of_motion(resample(motion.motion, 15))
    performance = Performance("a", "x", motion, (slow, motion))
    exact = rag.protocol(EXACT).prepare(performance)
    np.testing.assert_allclose(exact.real.positions, exact.predicted[0].positions, atol=1e-9)
    assert (exact.real.num_frames, exact.real.fps) == (600, 30)
    corrected = rag.protocol(CORRECTED).prepare(performance)
    np.testing.assert_array_equal(corrected.real.positions, corrected.predicted[1].positions)


def test_a_clip_that_is_shorter_than_a_chunk_has_no_numbers():
    motion = body(299)
    assert not values(rag.protocol(EXACT), Performance("a", "x", motion, (motion,)))


@pytest.mark.slow
@pytest.mark.skipif(not SCOTT.with_suffix(".npz").exists(), reason="no ../shared/data/beat2")
def test_numbers_of_a_recording_are_those_of_the_reference_code():
    """`alignment`, `L1div` and `calculate_avg_distance` of metric.py were run on the positions that
    `prepare` gives, in an array of 55 joints, with the recording's own mean speeds in the world,
    and on the sound as librosa reads it at 16 kHz, in 6 chunks of 300 frames.
    """
    motion = of_motion(read_smplx(SCOTT.with_suffix(".npz")))
    spoken = Spoken(SCOTT.with_suffix(".wav"), 0.0, motion.seconds)
    found = values(
        rag.protocol(EXACT), Performance("a", "x", motion, (motion,), spoken), column="real"
    )
    assert found["beat_consistency"] == pytest.approx(0.6334039477961408, abs=1e-9)
    assert found["l1_diversity_metres"] == pytest.approx(1.3948567540576977, rel=1e-9)
    assert found["chunk_diversity_metres"] == pytest.approx(0.03468303608272117, rel=1e-9)
