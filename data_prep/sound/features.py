"""Log-mel and prosody, three steps of 10 ms (`llavataros_jax.sound.steps`) stacked to a frame.

Frame k stacks the last three steps that end no later than the frame does, so at 30 fps nine of ten
steps are used and nothing drifts. PASE+ features have the same order, but their three steps are the
first ones from the frame's start on (`data_prep.sound.pase`).

Look-ahead: every window ends where its step ends, so frame k of log-mel and prosody depends on no
sample after its own end (33 ms after its start at 30 fps), but for the few milliseconds by which a
recording of another rate is resampled. Windows reach back 25 ms (mel, energy, onset: plus one step)
and 64 ms (pitch, voicing). A step of PASE+ looks 83 ms ahead of its start.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float16, Int

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import PROSODY, STEPS_PER_SECOND, step_features
from llavataros_jax.sound.steps import load_tools as load_step_tools

STEPS_PER_FRAME = 3


def feature_names(config: AudioConfig) -> list[str]:
    """Names the A features of a frame in order: channel by channel, its three steps together."""
    if config.kind == "pase":
        return [f"pase{c}/{step}" for c in range(256) for step in range(STEPS_PER_FRAME)]
    channels = [f"mel{band}" for band in range(config.mels)] + list(PROSODY)
    return [f"{channel}/{step}" for channel in channels for step in range(STEPS_PER_FRAME)]


def audio_features(
    path: Path | str, num_frames: int, config: AudioConfig, fps: float
) -> Float16[np.ndarray, "N A"]:
    """Computes the features of a sound file; A = 3 (mels + 4), feature c of step t at 3c + t.

    With `audio.kind=pase` they are the 768 of PASE+ instead, in the same order; these look ahead.

    The file is read in blocks, so beyond the result no memory grows with its length. Frames
    after its end are those of silence.

    Raises:
        UserError: When the file cannot be read; see `llavataros_jax.sound.reader`.
    """
    if config.kind == "pase":
        from data_prep.sound.pase import pase_features

        return pase_features(path, num_frames, config, fps)
    ends = frame_ends(num_frames, fps)
    num_steps = int(ends[-1]) if num_frames else 0
    # Zeros before the first step serve rates whose first frame is shorter than three steps.
    steps = np.zeros((STEPS_PER_FRAME + num_steps, config.mels + len(PROSODY)), np.float16)
    first = STEPS_PER_FRAME
    for block in step_features(path, num_steps, config):
        steps[first : first + len(block)] = block
        first += len(block)
    return stack_steps(steps, ends)


def load_tools(config: AudioConfig) -> None:
    """Imports what the features need, which takes seconds, so that it can be done beside others."""
    if config.kind == "mel":
        load_step_tools(config)


def check_audio(config: AudioConfig) -> None:
    """Refuses a checkpoint of PASE+ that cannot be used, before any work is done.

    Raises:
        UserError: When it is missing, damaged or of another model.
    """
    if config.kind == "pase":
        from data_prep.sound.pase import check_checkpoint

        check_checkpoint(config)


def frame_ends(num_frames: int, fps: float, *, first: int = 0) -> Int[np.ndarray, " N"]:
    """Returns at which step each frame ends, from frame `first` to before `num_frames`."""
    # In whole numbers for whole rates, because 0.1 x 30 must not fall short of 3.
    numbers = np.arange(first + 1, num_frames + 1)
    return np.floor(numbers * STEPS_PER_SECOND / fps + 1e-9).astype(np.int64)


def stack_steps(
    padded_steps: Float16[np.ndarray, "S C"], ends: Int[np.ndarray, " N"]
) -> Float16[np.ndarray, "N A"]:
    """Stacks the three steps before each end to a frame, channel-major as PASE+ features are.

    Args:
        padded_steps: Steps of 10 ms after three rows of padding.
        ends: Step at which each frame ends, counted without the padding.
    """
    by_frame = padded_steps[ends[:, None] + np.arange(STEPS_PER_FRAME)]
    return by_frame.transpose(0, 2, 1).reshape(len(ends), STEPS_PER_FRAME * padded_steps.shape[1])
