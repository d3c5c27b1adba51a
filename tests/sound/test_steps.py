"""Steps of sound as it arrives against those of the whole; `test_features.py` has librosa's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import StepStream, step_features_of, take_steps
from tests.data_prep.recordings import make_samples

CONFIG = AudioConfig(mels=20)
VOICE = make_samples(1, 1.2).astype(np.float32)
STEPS = 120


def whole(samples, config=CONFIG):
    return np.concatenate(list(step_features_of(iter([samples]), STEPS, config)))


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(VOICE)), max_size=12),
    counts=st.lists(st.integers(0, 40), max_size=8),
    rate=st.sampled_from([16000, 22050, 8000]),
)
def test_any_cut_of_sound_and_steps_gives_the_same_to_the_last_bit(cuts, counts, rate):
    config = AudioConfig(mels=20, sample_rate=rate)
    stream, found = StepStream(config), []
    pieces, counts = np.split(VOICE, sorted(cuts)), iter(counts)
    for piece in pieces:
        stream.hear(piece)
        ready = stream.num_steps - stream.steps_taken
        found.append(stream.take(min(ready, next(counts, ready))))
    found.append(stream.take(stream.num_steps - stream.steps_taken))
    steps = np.concatenate(found)
    assert len(steps) == sum(round((s + 1) * rate / 100) <= len(VOICE) for s in range(500))
    np.testing.assert_array_equal(steps[:STEPS], whole(VOICE, config)[: len(steps)])


def test_several_streams_at_once_give_what_each_gives_alone():
    sounds = [VOICE, np.zeros(9000, np.float32), VOICE[5000:], 0.1 * VOICE[::-1].copy()]
    together = [StepStream(CONFIG) for _ in sounds]
    for stream, sound in zip(together, sounds, strict=True):
        stream.hear(sound)
    counts = [(3, 0, 4, 3), (0, 0, 0, 0), (1, 3, 0, 30), (40, 4, 3, 0)]
    found = [take_steps(together, each) for each in counts]
    for number, sound in enumerate(sounds):
        steps = np.concatenate([each[number] for each in found])
        assert len(steps) == sum(each[number] for each in counts)
        np.testing.assert_array_equal(steps, whole(sound)[: len(steps)])


def test_what_is_forgotten_was_never_heard():
    stream = StepStream(CONFIG)
    for piece in np.split(VOICE, 6):
        stream.hear(piece)
    steps = [stream.take(31)]
    stream.forget_from(5040)
    stream.hear(VOICE[:8000])
    assert stream.num_samples == 13040
    steps.append(stream.take(81 - 31))
    expected = whole(np.concatenate([VOICE[:5040], VOICE[:8000]]))
    np.testing.assert_array_equal(np.concatenate(steps), expected[:81])


def test_memory_is_that_of_what_was_not_taken():
    stream = StepStream(CONFIG)
    for _ in range(50):
        stream.hear(VOICE)
        stream.take(stream.num_steps - stream.steps_taken)
        assert len(stream._held) <= 1024 + 160
        assert not stream._pieces
