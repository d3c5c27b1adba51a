"""Terms of the loss against freezing and against ignoring speech; each is off by default.

A regressor answers uncertainty with the mean of all that might be, whose error is small and which
hardly moves. What these terms compare is not where the body is at a time, but how much it moves:
over half a second (`energy`), over a segment (`variance`), while it speaks against while it is
silent (`voice`). `contrast` asks whether the movement belongs to the speech.

Each is a sum of errors and a weight that depends on masks and words alone, as in `losses`. All are
even functions of velocity or deviation, so a body that is exactly still has no gradient: there, no
direction is better than another. What a network predicts is never exactly still.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Batch
from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.training.contrast import SpeechContrast
from llavataros_jax.training.encoder import open_contrast

# Windows of energy: longer than a stroke's turning points, shorter than a gesture.
WINDOW_SECONDS = 0.5
# Movement so slow that it is not seen; what is slower is as still as what does not move.
STILL_CENTIMETRES_PER_SECOND = 1.0
# Less speech, or silence, than this in a segment says nothing of either.
LEAST_VOICE_SECONDS = 0.2
# As VICReg's, so that the deviation of what does not vary has a gradient that is finite.
_VARIANCE_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Liveliness:
    """Which terms are on, and what they need besides the batch.

    Attributes:
        terms: Names among `energy`, `variance` and `voice`.
        fps: Frames per second.
        lookahead_frames: Frames by which the batch's speech is ahead of its poses.
        contrast: The term `contrastive`, if it is on.
    """

    terms: tuple[str, ...]
    fps: float
    lookahead_frames: int = 0
    contrast: SpeechContrast | None = None


def open_liveliness(config: Config, manifest: Manifest) -> Liveliness | None:
    """Returns the terms that `config` asks for on these records, or `None` when there are none.

    Raises:
        UserError: When the records or the encoder cannot serve a term.
    """
    terms = tuple(t for t in ("energy", "variance", "voice") if getattr(config.loss, t))
    if not terms and not config.loss.contrastive:
        return None
    if "voice" in terms:
        clips = manifest.clips_of("train")
        if not any(clip.num_words for clip in clips):
            raise UserError(
                f"loss.voice={config.loss.voice} takes voice from words, but none of the "
                f"{len(clips)} training clips has any; prepare them with words or set it to 0"
            )
        if config.loss.drop_words == 1:
            raise UserError("loss.voice needs words, but loss.drop_words=1 hides all; set it to 0")
    contrast = open_contrast(config, manifest) if config.loss.contrastive else None
    return Liveliness(terms, manifest.fps, config.model.lookahead_frames, contrast)


def energy_sum(
    velocity: Float[Array, "B T K 3"],
    true_velocity: Float[Array, "B T K 3"],
    pair: Bool[Array, "B T"],
    *,
    fps: float,
) -> Float[Array, ""]:
    """Sums |log(speed / true speed)| of every joint in every half second, for each of its frames.

    Speed is the root of the mean square over the frames of a window (the windows of a segment
    follow each other) that have a predecessor, with a floor of 1 cm/s. Logarithms, because the
    gradient of a square falls with the movement, so that a body that hardly moves would hardly
    learn to, and because hands are ten to a hundred times as fast as a spine: a linear error would
    be theirs alone. They count relative to each joint; half and twice the speed cost alike. All
    joints count as one each; in skeletons with fingers that makes most of it the hands'.

    Trembling moves too: on the bundled corpus, with weights of the loss that had frozen the hands
    at 3 % of the real speed, this term at 0.5 brought them to 25 %, but their jerk at the real
    amplitude went from 90 to 315 m/s³.

    Args:
        velocity: First differences of predicted joint positions, in centimetres a frame.
        true_velocity: Those of the target.
        pair: Frames that have a predecessor.
        fps: Frames per second.

    Returns:
        The sum, to be divided by the number of pairs times joints.
    """
    frames = _windowed(pair[..., None].astype(jnp.float32), fps)
    predicted, true = (
        _windowed(_squared(_kept(v, pair)), fps) / jnp.maximum(frames, 1)
        for v in (velocity, true_velocity)
    )
    errors = jnp.abs(_log_speed(predicted, fps) - _log_speed(true, fps))
    return (errors * frames).sum()


def variance_weights(now: Bool[Array, "B T"]) -> Float[Array, " B"]:
    """Returns each lane's frames, none when there are fewer than two."""
    count = now.sum(axis=1)
    return jnp.where(count > 1, count, 0).astype(jnp.float32)


def variance_sum(
    prediction: Float[Array, "B T P"],
    target: Float[Array, "B T P"],
    now: Bool[Array, "B T"],
    constant: Bool[Array, " P"],
) -> Float[Array, ""]:
    """Sums |deviation - true deviation| of all pose dimensions over each lane's segment.

    The difference itself and not the hinge of VICReg (Bardes, Ponce and LeCun 2022), which asks for
    no more than a least deviation: there is a true one here, and too much movement is wrong too.

    Args:
        prediction: Normalised poses.
        target: The true ones.
        now: Frames that exist.
        constant: Dimensions that never change, which are left out.

    Returns:
        The sum, each lane times `variance_weights`, to be divided by their sum times dimensions.
    """
    errors = jnp.abs(_deviation(prediction, now) - _deviation(target, now))
    errors = jnp.where(constant[None], 0.0, errors)
    return (errors * variance_weights(now)[:, None]).sum()


def voiced_and_silent(
    batch: Batch, pair: Bool[Array, "B T"], *, lookahead_frames: int = 0
) -> tuple[Bool[Array, "B T"], Bool[Array, "B T"]]:
    """Tells which pairs of frames fall on a word of the main speaker, and which between words.

    With look-ahead the batch's words are those of later frames, so the first frames of a segment
    are neither.
    """
    frames, ahead = pair.shape[1], lookahead_frames
    index = jnp.asarray(batch.main.word_index)
    index = jnp.pad(index[:, : max(frames - ahead, 0)], ((0, 0), (min(ahead, frames), 0)))
    known = pair & (jnp.arange(frames) >= ahead)[None]
    return known & (index >= 0), known & (index < 0)


def voice_weights(
    voiced: Bool[Array, "B T"], silent: Bool[Array, "B T"], *, fps: float
) -> Float[Array, " B"]:
    """Returns the frames of the rarer of both in each lane, 0 when they are too few to say."""
    count = jnp.minimum(voiced.sum(axis=1), silent.sum(axis=1))
    return jnp.where(count >= round(LEAST_VOICE_SECONDS * fps), count, 0).astype(jnp.float32)


def voice_sum(
    velocity: Float[Array, "B T K 3"],
    true_velocity: Float[Array, "B T K 3"],
    voiced: Bool[Array, "B T"],
    silent: Bool[Array, "B T"],
    *,
    fps: float,
) -> Float[Array, ""]:
    """Sums |log ratio - true log ratio| of the speed in speech to that in silence.

    Speed is the root mean square of all joints. MIBURI (Mughal and others, 2026) has a head that
    reads voice activity off its features; this needs no parameters, and it is the movement that
    must differ, by as much as it does in the real one.

    Returns:
        The sum, each lane times `voice_weights`, to be divided by their sum.
    """

    def log_ratio(velocity: Float[Array, "B T K 3"]) -> Float[Array, " B"]:
        energy = _squared(_kept(velocity, voiced | silent)).mean(axis=2)
        in_speech, in_silence = (
            _kept(energy, where).sum(axis=1) / jnp.maximum(where.sum(axis=1), 1).astype(jnp.float32)
            for where in (voiced, silent)
        )
        return _log_speed(in_speech, fps) - _log_speed(in_silence, fps)

    errors = jnp.abs(log_ratio(velocity) - log_ratio(true_velocity))
    return (errors * voice_weights(voiced, silent, fps=fps)).sum()


def _squared(velocity: Float[Array, "B T K 3"]) -> Float[Array, "B T K"]:
    return jnp.square(velocity).sum(axis=-1)


def _kept(values: Float[Array, "B T ..."], where: Bool[Array, "B T"]) -> Float[Array, "B T ..."]:
    return jnp.where(where.reshape(*where.shape, *[1] * (values.ndim - 2)), values, 0.0)


def _log_speed(energy: Float[Array, "..."], fps: float) -> Float[Array, "..."]:
    """Returns the logarithm of speeds of which the mean squares are known, in cm²/frame²."""
    return 0.5 * jnp.log(energy * fps**2 + STILL_CENTIMETRES_PER_SECOND**2)


def _windowed(values: Float[Array, "B T K"], fps: float) -> Float[Array, "B N K"]:
    """Sums values over windows that follow each other; the last one may be shorter."""
    frames = max(1, round(WINDOW_SECONDS * fps))
    values = jnp.pad(values, ((0, 0), (0, -values.shape[1] % frames), (0, 0)))
    return values.reshape(len(values), -1, frames, values.shape[2]).sum(axis=2)


def _deviation(pose: Float[Array, "B T P"], now: Bool[Array, "B T"]) -> Float[Array, "B P"]:
    count = jnp.maximum(now.sum(axis=1), 1).astype(jnp.float32)[:, None]
    mean = _kept(pose, now).sum(axis=1) / count
    variance = jnp.square(_kept(pose - mean[:, None], now)).sum(axis=1) / count
    return jnp.sqrt(variance + _VARIANCE_FLOOR)
