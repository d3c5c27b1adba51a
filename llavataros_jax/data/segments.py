"""Cutting one person's speech into the segments that the network reads."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from llavataros_jax.batch import Speech


@dataclass(frozen=True, eq=False)
class ClipSpeech:
    """One person's speech over a whole clip of N frames.

    Attributes:
        audio: Audio features of each frame.
        words: One vector for each of K words.
        word_index: Row of `words` active on each frame, -1 in silence.
        speaker: Id of the speaker.
    """

    audio: Float[np.ndarray, "N A"]
    words: Float[np.ndarray, "K E"]
    word_index: Int[np.ndarray, " N"]
    speaker: int


def speech_of(arrays: Mapping[str, Any], prefix: str = "") -> ClipSpeech:
    """Returns the speech of a record; the prefix `interlocutor_` takes the other person's."""
    return ClipSpeech(
        audio=arrays[prefix + "audio"],
        words=arrays[prefix + "words"],
        word_index=arrays[prefix + "word_index"],
        speaker=int(arrays[prefix + "speaker"]),
    )


def interlocutor_of(arrays: Mapping[str, Any]) -> ClipSpeech | None:
    """Returns the other person's speech of a record, if there is another person."""
    return speech_of(arrays, "interlocutor_") if arrays["interlocutor_speaker"] >= 0 else None


def words_of(arrays: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Returns the words of a record: text, start and end in seconds."""
    times = zip(arrays["word_text"], arrays["word_times"].tolist(), strict=True)
    return [(text, start, end) for text, (start, end) in times]


def without_words(speech: ClipSpeech) -> ClipSpeech:
    """Returns the same sound with no word known."""
    return dataclasses.replace(speech, word_index=np.full_like(speech.word_index, -1))


def shortened(speech: ClipSpeech, frames: int) -> ClipSpeech:
    """Returns the first frames of a clip."""
    return dataclasses.replace(
        speech, audio=speech.audio[:frames], word_index=speech.word_index[:frames]
    )


def silence(lanes: int, *, frames: int, rows: int, sizes: tuple[int, int]) -> Speech:
    """Returns NumPy arrays of a segment in which nobody speaks, to be filled.

    Args:
        lanes: Rows of the batch.
        frames: Frames of the segment.
        rows: Words that a segment may touch.
        sizes: Lengths of the audio features and of a word's vector.
    """
    return Speech(
        audio=np.zeros((lanes, frames, sizes[0]), np.float16),
        words=np.zeros((lanes, rows, sizes[1]), np.float16),
        word_index=np.full((lanes, frames), -1, np.int32),
        speaker=np.zeros(lanes, np.int32),
    )


def heard(
    speech: ClipSpeech, frames: slice, *, lookahead_frames: int
) -> tuple[Float[np.ndarray, "T A"], Int[np.ndarray, " T"]]:
    """Returns the audio and the word index that the poses of some frames of a clip may see.

    They are those of `lookahead_frames` later. After the clip's end its last row of audio goes on,
    and there is no word. There are as many rows as the clip has frames in `frames`.
    """
    count = len(speech.word_index[frames])
    later = slice(frames.start + lookahead_frames, frames.start + lookahead_frames + count)
    audio, index = speech.audio[later], speech.word_index[later]
    if after := count - len(index):
        audio = np.concatenate([audio, np.repeat(speech.audio[-1:], after, axis=0)])
        index = np.concatenate([index, np.full(after, -1, index.dtype)])
    return audio, index


def fill_speech(
    segment: Speech, lane: int, speech: ClipSpeech, frames: slice, *, lookahead_frames: int
) -> None:
    """Writes what some frames of a clip hear into a lane of `segment`, with the words thereof."""
    part: Any = segment
    audio, index = heard(speech, frames, lookahead_frames=lookahead_frames)
    part.audio[lane, : len(audio)] = audio
    spoken = index >= 0
    rows, local = np.unique(index[spoken], return_inverse=True)
    part.words[lane, : len(rows)] = speech.words[rows]
    part.word_index[lane, : len(index)][spoken] = local
    part.speaker[lane] = speech.speaker
