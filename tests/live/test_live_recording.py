"""A real recording, live and whole: the run that comes along moves the same way to 1e-5."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.clips.speech import prepare_speech
from llavataros.live.engine import Engine
from llavataros.live.options import SessionOptions
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.trained import open_trained

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "corpus" / "ada_1.flac"


@pytest.mark.long  # CI has the same through the server (tests/serve/test_starter.py)
@pytest.mark.usefixtures("unchecked")
def test_a_recording_that_arrives_in_pieces_moves_the_body_as_its_file_does():
    run = open_trained(ROOT / "starter")
    speech = prepare_speech(CLIP, config=run.config, words=CLIP.with_suffix(".json"))
    speaker = run.speaker_id("cora")
    clip = ClipSpeech(speech.audio, speech.word_vectors, speech.word_index, speaker)
    whole = run.animate(clip, seed=7)
    engine, frames = Engine(run, sessions=1), []
    samples, rate = soundfile.read(CLIP, dtype="float32")
    session = engine.open(SessionOptions(words="timed", seed=7, speaker="cora"))
    random, done, said = np.random.default_rng(0), 0, 0
    while done < len(samples):
        size = int(random.integers(1, rate))
        session.hear(samples[done : done + size], rate)
        done += size
        known = done / rate + 1.0  # words come ahead of their sound
        new = [word for word in speech.words[said:] if word.start_seconds < known]
        said += len(new)
        session.say(new, known_until_seconds=known)
        while engine.step():
            frames += session.take()
    session.end()
    while engine.step():
        frames += session.take()
    assert session.is_over
    assert not session.notices
    live = np.stack([frame.joints for frame in frames])
    assert live.shape == whole.frames.shape
    np.testing.assert_allclose(live, whole.frames, atol=1e-5)
