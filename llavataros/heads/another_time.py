"""Speech of another clip, or of another time of the same one, as long as a clip."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.segments import ClipSpeech, interlocutor_of, speech_of
from llavataros_jax.evaluate.neighbours import neighbours


def lender(speakers: Sequence[str], clip: int) -> int:
    """Returns the clip that lends a clip its speech: the next of the same speaker, or itself.

    The next one is also the one that the evaluation never asks a motion to prefer its own speech
    to (`RecordClips`), so a motion made of it is a stranger to all that it is compared with.
    """
    return next(iter(neighbours(speakers, clip)), clip)


def of_another_time(reader: ClipReader, clip: int) -> tuple[ClipSpeech, ClipSpeech | None]:
    """Returns the speech of both people of another time, as long as a clip.

    Where the clip is the only one of its speaker, it is its own speech, half of the clip later and
    round its end.
    """
    speakers = [reader.manifest.speakers[entry.speaker] for entry in reader.clips]
    other, frames = lender(speakers, clip), reader.clips[clip].num_frames
    first = frames // 2 if other == clip else 0
    main, partner = speech_of(reader[other]), interlocutor_of(reader[other])
    return rolled(main, first, frames), partner and rolled(partner, first, frames)


def rolled(speech: ClipSpeech, first: int, frames: int) -> ClipSpeech:
    """Returns so many frames of speech from one on, round its end as often as it takes."""
    which = (first + np.arange(frames)) % len(speech.word_index)
    return dataclasses.replace(
        speech, audio=speech.audio[which], word_index=speech.word_index[which]
    )
