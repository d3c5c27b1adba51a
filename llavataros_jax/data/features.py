"""The features of a clip's record by name, type and shape, and their way to bytes and back.

Frames are aligned: frame k of audio, pose and word index begins at k / fps seconds. A word's vector
is stored once and `word_index` spreads it over frames, -1 being silence (a 4096-wide vector
repeated over a word's frames would be ten times the bytes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TEXT = "text"
ABSENT = -1


@dataclass(frozen=True)
class FeatureSpec:
    """One feature of a record.

    Attributes:
        name: Key in the record.
        dtype: `float32`, `float16`, `int32` or `text`.
        shape: Lengths of the axes, None for the first one where it differs between clips;
            text has shape () or (None,).
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


def clip_features(*, pose_size: int, audio_size: int, word_size: int) -> tuple[FeatureSpec, ...]:
    """Returns the features of a clip's record; an absent interlocutor's arrays have no rows."""
    return (
        FeatureSpec("clip", TEXT, ()),
        FeatureSpec("speaker", "int32", ()),
        FeatureSpec("pose", "float32", (None, pose_size)),
        FeatureSpec("audio", "float16", (None, audio_size)),
        FeatureSpec("words", "float16", (None, word_size)),
        FeatureSpec("word_index", "int32", (None,)),
        FeatureSpec("word_times", "float32", (None, 2)),
        FeatureSpec("word_text", TEXT, (None,)),
        FeatureSpec("interlocutor_speaker", "int32", ()),
        FeatureSpec("interlocutor_audio", "float16", (None, audio_size)),
        FeatureSpec("interlocutor_words", "float16", (None, word_size)),
        FeatureSpec("interlocutor_word_index", "int32", (None,)),
    )


def encode_clip(
    features: Sequence[FeatureSpec], values: Mapping[str, Any]
) -> dict[str, bytes | list[bytes]]:
    """Turns a clip's arrays and texts into a record; the interlocutor may be left out.

    Raises:
        ValueError: When a value is missing, unknown, of another shape, or not finite.
    """
    unknown = set(values) - {spec.name for spec in features}
    if unknown:
        raise ValueError(f"a clip has no feature {', '.join(sorted(unknown))}")
    record: dict[str, bytes | list[bytes]] = {}
    for spec in features:
        value: Any
        if spec.name in values:
            value = values[spec.name]
        elif spec.name.startswith("interlocutor_"):
            value = np.full([length or 0 for length in spec.shape], ABSENT)
        else:
            raise ValueError(f"the clip lacks its feature {spec.name}")
        if spec.dtype == TEXT:
            record[spec.name] = [text.encode() for text in value] if spec.shape else value.encode()
            continue
        array = np.asarray(value)
        fits = array.ndim == len(spec.shape) and all(
            wanted in (None, found) for wanted, found in zip(spec.shape, array.shape, strict=True)
        )
        if not fits:
            raise ValueError(f"{spec.name} has shape {array.shape} instead of {spec.shape}")
        with np.errstate(over="ignore"):
            array = array.astype(_little_endian(spec))
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{spec.name} holds values that {spec.dtype} cannot hold")
        record[spec.name] = array.tobytes()
    return record


def decode_clip(
    features: Sequence[FeatureSpec], record: Mapping[str, Sequence[memoryview]]
) -> dict[str, Any]:
    """Turns a record into arrays, which are read-only views of it, and texts.

    Raises:
        ValueError: When the record lacks a feature or its bytes do not fill the shape.
    """
    clip: dict[str, Any] = {}
    for spec in features:
        if spec.name not in record:
            raise ValueError(f"it lacks {spec.name}")
        values = record[spec.name]
        if spec.dtype == TEXT and spec.shape:
            clip[spec.name] = [bytes(value).decode() for value in values]
            continue
        if len(values) != 1:
            raise ValueError(f"{spec.name} has {len(values)} values instead of one")
        if spec.dtype == TEXT:
            clip[spec.name] = bytes(values[0]).decode()
        else:
            shape = [-1 if length is None else length for length in spec.shape]
            clip[spec.name] = np.frombuffer(values[0], _little_endian(spec)).reshape(shape)
    return clip


def _little_endian(spec: FeatureSpec) -> np.dtype:
    return np.dtype(spec.dtype).newbyteorder("<")
