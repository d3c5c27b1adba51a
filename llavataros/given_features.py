"""Features that a run needs and this program may not know, or that the user brings computed."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.clips.speech import SpeechFeatures
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info
from llavataros_jax.trained import TrainedRun
from llavataros_jax.weights.npz import read_npz

# Where weights lie and how they are run may change; what they compute may not.
_PLACES = {"pase", "model", "batch"}


def require_features(run: TrainedRun, *, checkpoint: str) -> None:
    """Refuses a run whose features the program cannot compute from a recording.

    Raises:
        UserError: When the run was made from other features than its config describes.
    """
    wanted = []
    for section in ("audio", "text"):
        made_from: dict[str, Any] = run.manifest.feature_config.get(section, {})
        computed = dataclasses.asdict(getattr(run.config, section))
        # Older runs said here what model.lookahead_frames says now.
        shift = made_from.get("lookahead_frames", 0)
        compared = made_from.keys() - _PLACES - {"lookahead_frames"}
        if shift not in (0, run.config.model.lookahead_frames) or any(
            computed.get(name) != made_from[name] for name in compared
        ):
            size = run.manifest.feature_size("audio" if section == "audio" else "words")
            kind = " ".join(str(value) for value in made_from.values() if isinstance(value, str))
            wanted.append(f"{section} features {kind or made_from} of {size} numbers")
    if wanted:
        raise UserError(
            f"run {checkpoint} needs {' and '.join(wanted)}, which cannot be computed here with "
            "its config; bring them computed: --features FILE.npz with the arrays audio and text, "
            "one row for each frame, and interlocutor_audio and interlocutor_text in conversations"
        )


def read_features(path: Path | str, run: TrainedRun, *, audio: Path | str) -> list[SpeechFeatures]:
    """Reads one row of audio and of text for each frame, of one or both persons.

    Args:
        path: `.npz` with `audio` (N, A) and `text` (N, E), and perhaps the same two with
            `interlocutor_` before their names.
        run: The run, which knows A and E.
        audio: The recording, of N frames.

    Raises:
        UserError: When an array is missing, of another shape, or not finite.
    """
    arrays = read_npz(path, kind="features file")
    seconds = read_info(audio, run.config.audio.sample_rate).seconds
    audio_shape = arrays["audio"].shape if "audio" in arrays else ()
    # Any other shape is refused below.
    frames = audio_shape[0] if audio_shape else round(seconds * run.manifest.fps)
    if abs(frames - seconds * run.manifest.fps) > 2:
        raise UserError(
            f"features file {path} has {frames} frames of audio, but {audio} lasts "
            f"{seconds:.2f} s, which are {seconds * run.manifest.fps:.1f} frames at "
            f"{run.manifest.fps} fps"
        )
    people = []
    for prefix in ("", "interlocutor_"):
        if prefix and prefix + "audio" not in arrays and prefix + "text" not in arrays:
            continue
        for name, feature in (("audio", "audio"), ("text", "words")):
            shape = (frames, run.manifest.feature_size(feature))
            if problem := _problem(arrays.get(prefix + name), shape):
                raise UserError(
                    f"features file {path}: {prefix}{name} {problem}; {shape} finite numbers are "
                    "needed"
                )
        people.append(
            SpeechFeatures(
                num_frames=frames,
                seconds=seconds,
                audio=arrays[prefix + "audio"].astype(np.float16),
                word_vectors=arrays[prefix + "text"].astype(np.float16),
                word_index=np.arange(frames, dtype=np.int32),
                words=(),
                notes=(f"features of {path}",) if not prefix else (),
            )
        )
    return people


def _problem(array: np.ndarray | None, shape: tuple[int, ...]) -> str | None:
    """Says why an array cannot be used, in a clause, or None if it can."""
    if array is None:
        return "is missing"
    if array.shape != shape or array.dtype.kind not in "fiu":
        return f"has shape {array.shape} of {array.dtype}"
    if not np.isfinite(array).all():
        return "has values that are not finite"
    if array.size and np.abs(array).max() > np.finfo(np.float16).max:
        return f"has values up to {np.abs(array).max():g}, which float16 cannot hold"
    return None
