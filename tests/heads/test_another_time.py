"""Which speech a clip is moved by that is not its own."""

import numpy as np

from llavataros.heads.another_time import lender, rolled
from llavataros_jax.data.segments import ClipSpeech


def test_the_next_clip_of_the_same_speaker_lends_its_speech() -> None:
    speakers = ["ada", "ben", "ada", "ada", "eve"]
    assert [lender(speakers, clip) for clip in range(5)] == [2, 1, 3, 0, 4]


def test_speech_goes_round_its_end() -> None:
    speech = ClipSpeech(
        audio=np.arange(5.0)[:, None],
        words=np.zeros((2, 3)),
        word_index=np.arange(5) - 1,
        speaker=1,
    )
    later = rolled(speech, 2, 5)
    np.testing.assert_array_equal(later.audio[:, 0], [2, 3, 4, 0, 1])
    np.testing.assert_array_equal(later.word_index, [1, 2, 3, -1, 0])
    assert later.words is speech.words
    assert later.speaker == 1
    # What is asked for may be longer or shorter.
    np.testing.assert_array_equal(rolled(speech, 0, 7).audio[:, 0], [0, 1, 2, 3, 4, 0, 1])
    np.testing.assert_array_equal(rolled(speech, 0, 2).audio[:, 0], [0, 1])
