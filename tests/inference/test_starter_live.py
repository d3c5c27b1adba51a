"""The run that comes along, live: what `llavataros animate` writes, call by call."""

from pathlib import Path

import numpy as np
import pytest

from data_prep.clips.speech import prepare_speech
from llavataros_jax.batch import Speech
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.data.segments import ClipSpeech, without_words
from llavataros_jax.trained import open_trained

CORPUS = Path(__file__).parents[2] / "corpus"
FRAMES, SEED = 480, 5
# Frames of each call: single ones, then what costs a test less.
CALLS = (*[1] * 60, *[6] * 70)


@pytest.mark.slow
def test_a_stream_of_the_starter_is_what_it_animates_with_words_and_without():
    """In metres and quaternions, from the first frame to the last that a flush brings."""
    run = open_trained(shipped_folder("starter"))
    speech = prepare_speech(
        CORPUS / "talk_1_ada.flac",
        config=run.config,
        words=CORPUS / "talk_1_ada.json",
        transcript=None,
        speaker=None,
    )
    speaker = run.speaker_id(None) + 3
    said = ClipSpeech(
        speech.audio[:FRAMES], speech.word_vectors, speech.word_index[:FRAMES], speaker
    )
    clips, has_words = (said, without_words(said)), (True, False)
    assert run.config.film.wordless_size != 1
    live = run.streamer(lanes=2, call_frames=6, dials=run.live_dials(2, has_words=has_words))
    assert (live.delay_frames, run.streamer(smooth=False).delay_frames) == (16, 12)
    state, poses = live.start([SEED, SEED]), []
    who, vectors = np.full(2, speaker, np.int32), np.stack([said.words] * 2)
    for first, count in zip(np.cumsum(CALLS) - CALLS, CALLS, strict=True):
        audio, index = (
            np.stack([getattr(clip, name)[first : first + count] for clip in clips])
            for name in ("audio", "word_index")
        )
        pose, state = live(state, Speech(audio, vectors, index, who))
        poses.append(pose)
    last = [live.flush(state, lane=lane) for lane in range(2)]
    stream = np.concatenate([*poses, np.stack(last)], axis=1)[:, live.delay_frames :]
    joints = run.animator.codec.joints(stream, np.full((2, FRAMES), speaker))
    for lane, clip in enumerate(clips):
        expected = run.animate(clip, seed=SEED).frames
        signs = np.sign((joints[lane, ..., 3:] * expected[..., 3:]).sum(axis=-1, keepdims=True))
        found = np.concatenate([joints[lane, ..., :3], joints[lane, ..., 3:] * signs], axis=-1)
        np.testing.assert_allclose(found, expected, atol=1e-5)
