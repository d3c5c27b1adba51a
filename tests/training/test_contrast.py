"""The contrastive term with an encoder whose weights are known: speed beside loudness."""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from scipy.spatial.transform import Rotation
from scipy.special import log_softmax

from data_prep.sound.features import audio_features
from llavataros_jax.alignment.accuracy import Accuracy
from llavataros_jax.alignment.body import body_points
from llavataros_jax.alignment.file import write_alignment
from llavataros_jax.alignment.model import AlignmentModel, embedded_motion, embedded_speech
from llavataros_jax.alignment.network import initial
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.alignment.speech import speech_features
from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import AudioConfig, ModelConfig
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.sound.reader import read_mono
from llavataros_jax.training.carry import empty_carry
from llavataros_jax.training.contrast import SpeechContrast
from llavataros_jax.training.encoder import open_contrast
from llavataros_jax.training.encoder_inputs import speech_rows
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.losses import loss_sums, loss_weights
from tests.training.records import toy_config, waving

LANES, FRAMES, FPS = 4, 90, 30
CORPUS = Path(__file__).parents[2] / "corpus"
KNOWN = Settings(members=1, layers=0, width=1, channels=1)
LEFT, CENTRE = 0, 2  # the left hand, and the middle of the five taps
WELL = Accuracy(0.9, (0.8, 0.95), 1000, 9)


def known_encoder() -> AlignmentModel:
    """Returns an encoder of the left hand's log speed and of the energy of speech."""
    arrays = jax.tree.map(np.zeros_like, initial(KNOWN))
    arrays["motion"]["last"]["kernel"][CENTRE * 24 + LEFT, 0] = 1
    arrays["speech"]["last"]["kernel"][CENTRE * 4, 0] = 1
    arrays["sharpness"][:] = 2.0
    return AlignmentModel(KNOWN, (arrays,), WELL)


def loudness(seed: int, frames: int = FRAMES) -> np.ndarray:
    """Returns bumps at times of chance."""
    begins = np.random.default_rng(seed).uniform(0, frames, 5)
    bumps = np.exp(-0.5 * ((np.arange(frames)[:, None] - begins) / 4) ** 2)
    return bumps.sum(axis=1) + 0.02


def waved(loud: np.ndarray):
    """Returns motion whose left arm turns as fast as its voice is loud."""
    joints, frames = AVATAROS_9.num_joints, len(loud)
    turns = np.zeros((frames, joints, 3))
    turns[:, AVATAROS_9.names.index("LeftArm"), 2] = np.cumsum(loud) / 15
    local = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(frames, joints, 3, 3)
    offsets = np.broadcast_to(AVATAROS_9.offsets, (frames, joints, 3)).copy()
    root = np.array([0.1, 0.9, 0]) + 0.02 * np.sin(np.arange(frames) / 9)[:, None]
    return motion_from_local(local, offsets, root, fps=FPS, skeleton=AVATAROS_9)


LOUD = np.stack([loudness(seed) for seed in range(LANES)])
MOTIONS = [waved(loud) for loud in LOUD]
CODEC = PoseCodec.measure([(motion, 0) for motion in MOTIONS], 1)
POSES = np.stack([CODEC.encode(motion) for motion in MOTIONS])
CODEC = CODEC.fit(POSES)
# The network plays no part here.
MODEL = build(
    ModelConfig(d_model=4, heads=1, d_head=4, d_inner=4, self_blocks=1, cross_blocks=0),
    Sizes(1, 1, CODEC.pose_size, 1),
)


def contrast_of(frames: int = FRAMES, **changes) -> SpeechContrast:
    made = SpeechContrast(
        known_encoder(), CODEC, FPS, frames, np.zeros(4, np.float32), np.ones(4, np.float32)
    )
    return dataclasses.replace(made, **changes)


def batch_of(loud: np.ndarray, poses: np.ndarray = POSES) -> Batch:
    """Returns lanes with a mel band that says nothing, and energy that is the loudness's."""
    prosody = np.zeros((*loud.shape, 5), np.float32)
    prosody[..., 1], prosody[..., 3] = np.log(loud + 0.05), 0.9
    audio = np.repeat(prosody, 3, axis=-1)
    lanes = np.zeros(len(loud), bool)
    speech = Speech(
        audio, np.zeros((*loud.shape, 1), np.float32), np.zeros(loud.shape, np.int32),
        lanes.astype(np.int32),
    )  # fmt: skip
    return Batch(
        main=speech, interlocutor=speech, interlocutor_present=lanes, pose=poses,
        frame_mask=np.ones(loud.shape, bool), is_start=~lanes,
    )  # fmt: skip


@functools.partial(jax.jit, static_argnames="contrast")
def taught(normal, batch, contrast):
    """Returns the mean of the term, its weight, and its gradient by normalised poses."""
    lanes = len(normal)
    carry = empty_carry(MODEL, lanes)
    liveliness = Liveliness((), FPS, contrast.lookahead_frames, contrast)
    weight = loss_weights(batch, carry, CODEC, liveliness)["contrastive"]

    def loss(normal):
        sums, _ = loss_sums(normal, batch, carry, codec=CODEC, liveliness=liveliness)
        return sums["contrastive"] / jnp.maximum(weight, 1)

    value, gradient = jax.value_and_grad(loss)(normal)
    return value, weight, gradient


NORMAL = jnp.asarray(CODEC.normalise(POSES))
ENCODER = contrast_of()


def test_motion_that_belongs_to_its_speech_is_preferred_and_learned():
    matched, weight, gradient = taught(NORMAL, batch_of(LOUD), ENCODER)
    others, *_ = taught(NORMAL, batch_of(np.roll(LOUD, 1, axis=0)), ENCODER)
    assert weight == LANES
    assert matched < 0.3 < np.log(LANES) < others
    # Motion of another's speech learns to belong to its own.
    wrong = jnp.roll(NORMAL, 1, axis=0)
    before, _, gradient = taught(wrong, batch_of(LOUD), ENCODER)
    assert np.isfinite(gradient).all()
    step = 0.02 * gradient / jnp.abs(gradient).max()
    after, *_ = taught(wrong - step, batch_of(LOUD), ENCODER)
    assert after < before - 0.05


def test_it_is_scipys_cross_entropy_of_what_the_alignment_room_embeds():
    batch = batch_of(LOUD)
    points = [body_points(of_motion(motion)) for motion in MOTIONS]
    speed = [np.square(np.diff(p[:, :2], axis=0) * 20).sum(-1).mean() for p in points]
    points = [p / np.sqrt(np.mean(speed)) for p in points]
    rows = speech_rows(FRAMES, FPS)
    heard = [np.zeros((60, 4), np.float32) for _ in range(LANES)]
    for lane in range(LANES):
        heard[lane][:, 0] = rows @ np.log(LOUD[lane] + 0.05)
    moved = np.concatenate([embedded_motion(ENCODER.model, p) for p in points])
    spoken = np.concatenate([embedded_speech(ENCODER.model, h) for h in heard])
    logits = np.exp(2.0) * moved @ spoken.T
    own = [np.diagonal(log_softmax(logits, axis=axis)) for axis in (0, 1)]
    expected = -np.mean(own)
    got, *_ = taught(NORMAL, batch, ENCODER)
    assert float(got) == pytest.approx(expected, rel=2e-3)


def test_points_are_those_of_the_alignment_room():
    motions = [waving(seed, FRAMES) for seed in (1, 2)]
    codec = PoseCodec.measure([(motion, 0) for motion in motions], 1)
    codec = codec.fit([codec.encode(motion) for motion in motions])
    contrast = contrast_of(codec=codec)
    joints = jnp.asarray(np.stack([motion.positions for motion in motions]), jnp.float32)
    got = contrast.points(joints, jnp.ones(2, bool), jnp.zeros(2, jnp.int32))
    for lane, motion in enumerate(motions):
        expected = body_points(of_motion(motion))
        # There, arms are measured on positions that smoothing has shortened.
        scale = np.sqrt(np.square(expected[:, :5]).sum() / np.square(got[lane, :, :5]).sum())
        assert scale == pytest.approx(1, abs=0.01)
        np.testing.assert_allclose(scale * got[lane], expected, atol=2e-5)


@pytest.mark.slow
def test_a_batch_says_nearly_what_the_encoder_learned_from_sound():
    path = CORPUS / "ada_1.flac"
    frames = 450
    audio = np.asarray(audio_features(path, frames, AudioConfig(mels=20), FPS), np.float32)
    true = speech_features(read_mono(path, 16000)[: frames * 16000 // FPS], frames / FPS)
    contrast = contrast_of(frames)
    got = np.asarray(contrast.channels(jnp.asarray(audio)[None], jnp.ones(1, bool))[0])
    similar = [np.corrcoef(got[:, c], true[:, c])[0, 1] for c in range(4)]
    energy, onset, voicing, pitch = similar
    assert min(energy, voicing) > 0.99, similar
    # Onset is the mean of other bands, and pitch has a jump where a voice begins.
    assert min(onset, pitch) > 0.85, similar


def test_who_says_the_same_or_nothing_or_is_not_whole_is_no_rival():
    twins = LOUD[[0, 0, 1, 2]]
    batch = batch_of(twins)
    _, weight, _ = taught(NORMAL, batch, ENCODER)
    assert weight == 4
    of_two = batch.replace(frame_mask=batch.frame_mask & (np.arange(LANES) < 2)[:, None])
    value, weight, gradient = taught(NORMAL, of_two, ENCODER)
    assert (value, weight) == (0, 0)
    assert not np.asarray(gradient).any()
    silent = np.array(LOUD)
    silent[3] = 0.02
    assert taught(NORMAL, batch_of(silent), ENCODER)[1] == 3


def test_a_lane_that_ends_may_hold_anything():
    ends = np.ones((LANES, FRAMES), bool)
    ends[3, 50:] = False
    batch = batch_of(LOUD).replace(frame_mask=ends)
    value, weight, _ = taught(NORMAL, batch, ENCODER)
    assert weight == LANES - 1
    poses, audio = POSES.copy(), np.array(batch.main.audio)
    poses[~ends], audio[~ends] = np.nan, np.nan
    poisoned = batch.replace(pose=poses, main=batch.main.replace(audio=audio))
    got, weight, gradient = taught(NORMAL, poisoned, ENCODER)
    assert weight == LANES - 1
    np.testing.assert_array_equal(got, value)
    assert np.isfinite(gradient).all()
    assert not np.asarray(gradient[3]).any()


def test_one_lane_is_its_own_rival_two_seconds_away():
    frames = 5 * FPS
    assert not contrast_of(frames).has_no_rival_within
    assert ENCODER.has_no_rival_within
    # Five windows begin each half second; the first and the last are 2 s apart.
    loud = loudness(7, frames)[None]
    pose = np.zeros((1, frames, 1), np.float32)
    assert contrast_of(frames).weight(batch_of(loud, pose)) == 2


@pytest.mark.skipif(jax.device_count() < LANES, reason="needs 4 (simulated) devices")
@pytest.mark.slow
def test_lanes_on_four_devices_are_rivals_as_on_one():
    expected = taught(NORMAL, batch_of(LOUD), ENCODER)
    devices = jax.devices()[:LANES]
    mesh = jax.make_mesh((LANES,), ("data",), axis_types=(AxisType.Auto,), devices=devices)
    lanes = NamedSharding(mesh, PartitionSpec("data"))
    got = taught(*jax.device_put((NORMAL, batch_of(LOUD)), lanes), ENCODER)
    assert len(got[2].sharding.device_set) == LANES
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_short_segments_have_short_windows():
    assert contrast_of(60).window_frames == 40
    assert contrast_of(90).window_frames == contrast_of(600).window_frames == 60


def test_with_lookahead_speech_is_laid_at_its_own_time():
    ahead, frames = 6, FRAMES - 6
    heard = np.concatenate([LOUD[:, ahead:], np.full((LANES, ahead), 9.0)], axis=1)
    later, same = contrast_of(frames, lookahead_frames=ahead), contrast_of(frames)
    everyone, speaker = jnp.ones(LANES, bool), jnp.zeros(LANES, jnp.int32)
    joints = jnp.asarray(np.stack([motion.positions for motion in MOTIONS]), jnp.float32)
    np.testing.assert_array_equal(
        later.channels(jnp.asarray(batch_of(heard).main.audio), everyone),
        same.channels(jnp.asarray(batch_of(LOUD).main.audio)[:, ahead:], everyone),
    )
    np.testing.assert_array_equal(
        later.points(joints, everyone, speaker), same.points(joints[:, ahead:], everyone, speaker)
    )


def opened(folder: Path, *, sound=None, accuracy=WELL, changes=(), skeleton=None):
    path = folder / "al.safetensors"
    if not path.exists():
        write_alignment(path, dataclasses.replace(known_encoder(), accuracy=accuracy))
    sections = {"loss": {"contrastive": 0.1, "contrastive_encoder": str(path)}}
    for section, option, value in changes:
        sections.setdefault(section, {})[option] = value
    config = toy_config(folder, folder / "run", **{"model": {"segment_frames": 60}, **sections})
    codec = CODEC.to_dict()
    if skeleton:
        codec = {**codec, "skeleton": {**codec["skeleton"], "names": skeleton}}
    sizes = {"audio_mean": np.arange(15.0).tolist(), "audio_std": [2.0] * 15}
    sound = {"kind": "mel", "sample_rate": 16000} if sound is None else sound
    manifest = Manifest(
        name="toy", fps=FPS, features=(), codec=codec, speakers=("a",), statistics=sizes,
        feature_config={"audio": sound}, clips=(),
    )  # fmt: skip
    return open_contrast(config, manifest)


def test_an_encoder_is_opened_for_the_records(tmp_path):
    contrast = opened(tmp_path)
    assert contrast.model.hash == known_encoder().hash
    np.testing.assert_allclose(contrast.prosody_mean, [4, 7, 10, 13])
    np.testing.assert_allclose(contrast.prosody_std, 2)
    assert (contrast.frames, contrast.fps, contrast.lookahead_frames) == (60, FPS, 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sound": {"kind": "pase", "sample_rate": 16000}}, "these records hold pase features"),
        ({"sound": {}}, "these records hold unknown features"),
        ({"sound": {"kind": "mel", "sample_rate": 22050}}, r"audio\.sample_rate=22050"),
        ({"accuracy": Accuracy(0.5, (0.4, 0.6), 10, 5)}, "was not better than chance"),
        ({"changes": [("parallel", "mode", "pmap")]}, r"use parallel\.mode=jit"),
        ({"changes": [("model", "segment_frames", 20)]}, "leave 20 frames at 30 a second"),
        ({"changes": [("training", "lanes", 1)]}, r"training\.lanes=1 has no other"),
        ({"changes": [("loss", "contrastive_encoder", "/none.safetensors")]}, "none.safetensors"),
        ({"skeleton": [f"joint{j}" for j in range(9)]}, "has no left upperarm"),
    ],
)
def test_what_cannot_serve_is_refused_before_training(tmp_path, given, words):
    with pytest.raises(UserError, match=words):
        opened(tmp_path, **given)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "al.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match=r"al\.safetensors"):
        opened(tmp_path)
