"""A call in one array: every number comes out as it went in, and what is not there is silent."""

import jax
import numpy as np

from llavataros_jax.batch import Speech
from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.packing import Layout
from llavataros_jax.model import Sizes

LANES, FRAMES = 2, 5
SIZES = Sizes(audio=3, text=4, pose=1, speakers=9)


def speech(seed: int, frames: int) -> Speech:
    random = np.random.default_rng(seed)
    index = random.integers(-1, 1, (LANES, frames))
    return Speech(
        audio=random.standard_normal((LANES, frames, 3)).astype(np.float16),
        words=random.standard_normal((LANES, frames, 4)).astype(np.float32),
        word_index=np.where(index < 0, -1, np.arange(frames)).astype(np.int32),
        speaker=np.array([seed, 8], np.int32),
    )


def test_what_is_packed_is_unpacked():
    layout = Layout(LANES, FRAMES, SIZES, is_alone=False)
    main, other = speech(1, 8), speech(2, 8)
    main.audio[0, 5, 0], main.audio[1, 5, 1] = np.nan, -np.inf
    mask = np.random.default_rng(0).random((LANES, 8)) < 0.5
    call = Frames(main, other, np.array([True, False]), mask, is_start=np.array([False, True]))
    seeds = np.array([2**32 - 1, 7], np.uint32)
    for part, brought in ((slice(0, 5), 5), (slice(5, 8), 3)):
        frames, is_drawn, drawn = jax.jit(layout.unpack)(layout.pack(call, part, seeds))
        starts = call.is_start & (part.start == 0)
        np.testing.assert_array_equal(frames.is_start, starts)
        np.testing.assert_array_equal(is_drawn, starts)
        np.testing.assert_array_equal(drawn, seeds)
        np.testing.assert_array_equal(frames.interlocutor_present, call.interlocutor_present)
        np.testing.assert_array_equal(frames.frame_mask[:, :brought], mask[:, part])
        assert not np.asarray(frames.frame_mask)[:, brought:].any()
        for found, given in ((frames.main, main), (frames.interlocutor, other)):
            np.testing.assert_array_equal(found.audio[:, :brought], given.audio[:, part])
            np.testing.assert_array_equal(found.words[:, :brought], given.words[:, part])
            said = np.where(given.word_index[:, part] < 0, -1, np.arange(brought))
            np.testing.assert_array_equal(found.word_index[:, :brought], said)
            np.testing.assert_array_equal(found.speaker, given.speaker)
            assert not np.asarray(found.audio)[:, brought:].any()
            assert (np.asarray(found.word_index)[:, brought:] == -1).all()


def test_who_is_alone_takes_half_the_room_and_keeps_its_seeds():
    both, alone = (Layout(LANES, FRAMES, SIZES, is_alone=is_alone) for is_alone in (False, True))
    call = Frames(
        speech(1, 5), None, np.zeros(LANES, bool), np.ones((LANES, 5), bool), np.ones(LANES, bool)
    )
    packed = alone.pack(call, slice(0, 5), None)
    whole = both.pack(call.replace(interlocutor=speech(2, 5)), slice(0, 5), None)
    assert 2 * packed.shape[1] - whole.shape[1] == 4 + FRAMES  # what is there of no person
    frames, is_drawn, _ = alone.unpack(jax.numpy.asarray(packed))
    assert frames.interlocutor is None
    assert not is_drawn.any()
