"""Whole-clip animation: any length by one program, equal to a single pass without segments."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.block import BLOCK_SEGMENTS
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from tests.model.conftest import draw_params, small_config
from tests.training.records import waving

CODEC = PoseCodec.measure([(waving(1, 40), 0)], 1).fit(
    [PoseCodec.measure([(waving(1, 40), 0)], 1).encode(waving(1, 40))]
)
SEGMENT = 4


@pytest.fixture(scope="module")
def animator():
    config = small_config(variant="cross", segment_frames=SEGMENT, memory_frames=12)
    model = build(config, Sizes(6, 7, CODEC.pose_size, 3))
    return Animator(model, draw_params(model), CODEC)


def speech(seed: int, frames: int) -> ClipSpeech:
    rng = np.random.default_rng(seed)
    # One decimal survives the float16 of segments almost exactly.
    return ClipSpeech(
        audio=rng.integers(-8, 8, (frames, 6)).astype(np.float16) / 8,
        words=rng.integers(-8, 8, (9, 7)).astype(np.float16) / 8,
        word_index=rng.integers(-1, 9, frames).astype(np.int32),
        speaker=2,
    )


def single_pass(animator: Animator, main: ClipSpeech, other: ClipSpeech | None) -> np.ndarray:
    """Runs the network over all frames as one segment, words in their own order."""
    frames = len(main.word_index)

    def lane(clip: ClipSpeech) -> Speech:
        return Speech(clip.audio[None], clip.words[None], clip.word_index[None], np.array([2]))

    pose, _ = jax.jit(animator.model.apply)(
        animator.params, lane(main), lane(other or speech(0, frames)),
        jnp.array([other is not None]), frame_mask=jnp.ones((1, frames), bool),
        memory=animator.model.empty_memory(1),
    )  # fmt: skip
    return np.asarray(CODEC.denormalise(pose[0]))


BLOCK = BLOCK_SEGMENTS * SEGMENT


@pytest.mark.parametrize("frames", [1, SEGMENT, BLOCK + 3])
@pytest.mark.parametrize("dyadic", [False, True])
@pytest.mark.slow
def test_segments_and_blocks_leave_no_trace(animator, frames, dyadic):
    main, other = speech(1, frames), speech(2, frames) if dyadic else None
    poses = animator(main, other)
    assert poses.shape == (frames, CODEC.pose_size)
    np.testing.assert_allclose(poses, single_pass(animator, main, other), atol=2e-5)


def test_no_length_compiles_anew(animator):
    animator(speech(1, 3))
    compiled = animator._run._cache_size()
    for frames in (1, SEGMENT + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7):
        assert animator(speech(1, frames)).shape[0] == frames
    assert animator._run._cache_size() == compiled


def test_later_speech_does_not_change_earlier_motion(animator):
    main = speech(1, 50)
    audio = main.audio.copy()
    audio[30:] = 1
    changed = animator(dataclasses.replace(main, audio=audio))
    np.testing.assert_array_equal(changed[:30], animator(main)[:30])
    assert np.abs(changed[30:] - animator(main)[30:]).max() > 1e-3


def test_nothing_to_animate_and_unequal_conversations_are_refused(animator):
    with pytest.raises(UserError, match="shorter than half a frame"):
        animator(speech(1, 0))
    with pytest.raises(UserError, match="has 5 frames and the interlocutor's 6"):
        animator(speech(1, 5), speech(2, 6))


@pytest.mark.slow
def test_warming_up_compiles_what_every_recording_runs(animator):
    fresh = Animator(animator.model, animator.params, CODEC)
    fresh.warm_up()
    assert fresh._run._cache_size() == 1
    np.testing.assert_array_equal(fresh(speech(1, 5)), animator(speech(1, 5)))
    assert fresh._run._cache_size() == 1
    fresh.warm_up(is_alone=False)
    fresh(speech(1, 9), speech(2, 9))
    assert fresh._run._cache_size() == 2
