"""Trains the two encoders, and measures them on natural motion that was held out."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from llavataros_jax.alignment.accuracy import CurvePoint, accuracy
from llavataros_jax.alignment.augmentation import drawn_windows
from llavataros_jax.alignment.body import FRAMES_PER_SECOND
from llavataros_jax.alignment.contrast import contrastive_loss
from llavataros_jax.alignment.material import (
    MARGIN_FRAMES,
    AlignmentClip,
    Material,
    digest,
    hold_out,
    pack,
    part,
)
from llavataros_jax.alignment.model import AlignmentModel
from llavataros_jax.alignment.network import PRECISION, Arrays, initial, motion_features, network
from llavataros_jax.alignment.settings import APART_FRAMES, Settings
from llavataros_jax.errors import UserError

DEFAULT = Settings()
REPORTED_STEPS = 50
_WARM_UP_STEPS = 50


@dataclass(frozen=True)
class Progress:
    """Where training stands: steps done, and their mean loss since the last report."""

    step: int
    loss: float


def fit_alignment(
    clips: Sequence[AlignmentClip],
    settings: Settings = DEFAULT,
    *,
    curve: Sequence[float] = (),
    report: Callable[[Progress], None] | None = None,
) -> AlignmentModel:
    """Trains a model on a part of the clips and measures it on the rest.

    The same clips and settings give the same model on one machine. Clips of source 0 are those of
    the data set that the model is for: its accuracy is told for them alone. Those of further
    sources are only learnt from, each source as much as any other.

    Args:
        clips: Natural motion with its speech.
        settings: How to train.
        curve: Shares of what is learnt from source 0 with which models are trained as well, for
            the learning curve; 0 is further sources alone.
        report: Called every 50 steps, of all models together.

    Raises:
        UserError: When no speaker has two places 2 s apart, or training diverges.
    """
    train, held = hold_out([clip for clip in clips if clip.source == 0], settings)
    others = [clip for clip in clips if clip.source != 0]
    points, models = [], []
    for number, share in enumerate((*curve, 1.0)):
        mine = _beginning(train, share, settings.seed)
        moved = _later(report, number * settings.members * settings.steps)
        members = trained(pack([*mine, *others], settings), settings, report=moved)
        models.append(AlignmentModel(settings, members, data=digest(clips), clips=len(clips)))
        seconds = sum(clip.num_frames for clip in mine) / FRAMES_PER_SECOND
        judged = accuracy(models[-1].embed, held, seed=settings.seed)
        points.append(CurvePoint(seconds, judged))
    return dataclasses.replace(models[-1], accuracy=points[-1].accuracy, curve=tuple(points))


def _beginning(clips: Sequence[AlignmentClip], share: float, seed: int) -> list[AlignmentClip]:
    """Returns clips in an order of chance up to a share of all frames, and a part of the last."""
    left = round(share * sum(clip.num_frames for clip in clips))
    found = []
    for number in np.random.default_rng(seed).permutation(len(clips)):
        frames = min(left, clips[number].num_frames)
        if frames:
            found.append(part(clips[number], 0, frames))
        left -= frames
    return found


def _later(
    report: Callable[[Progress], None] | None, steps: int
) -> Callable[[Progress], None] | None:
    if report is None:
        return None
    return lambda progress: report(Progress(progress.step + steps, progress.loss))


def trained(
    material: Material,
    settings: Settings,
    *,
    report: Callable[[Progress], None] | None = None,
) -> tuple[Arrays, ...]:
    """Trains all members on all of the material, and returns their weights.

    Raises:
        UserError: When training diverges.
    """
    return tuple(
        _member(material, settings, member, _later(report, member * settings.steps))
        for member in range(settings.members)
    )


def _member(
    material: Material,
    settings: Settings,
    member: int,
    report: Callable[[Progress], None] | None,
) -> Arrays:
    optimizer = _optimizer(settings)
    arrays = initial(settings, member)
    state = (arrays, jax.jit(optimizer.init)(arrays))
    on_device = jax.tree.map(jnp.asarray, vars(material))
    key, losses = jax.random.fold_in(jax.random.key(settings.seed), member), []
    for number in range(1, settings.steps + 1):
        state, loss = _step(settings, state, on_device, jax.random.fold_in(key, number))
        losses.append(loss)
        if number % REPORTED_STEPS and number != settings.steps:
            continue
        mean = float(np.mean(losses))
        if not np.isfinite(mean):
            raise UserError(
                f"training diverged before step {number} (its loss is {mean}); choose a lower "
                f"learning rate than {settings.learning_rate:g}"
            )
        if report is not None:
            report(Progress(number, mean))
        losses.clear()
    return jax.tree.map(np.asarray, state[0])


@functools.cache
def _optimizer(settings: Settings) -> optax.GradientTransformation:
    warm_up = min(_WARM_UP_STEPS, settings.steps // 2)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, settings.learning_rate, warm_up, max(settings.steps, warm_up + 1)
    )
    return optax.adamw(schedule, weight_decay=settings.weight_decay)


# One step a call: in a loop of XLA's own, products take nine times as long on CPUs.
@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _step(
    settings: Settings,
    state: tuple[Arrays, optax.OptState],
    material: dict[str, Array],
    key: Key[Array, ""],
) -> tuple[tuple[Arrays, optax.OptState], Float[Array, ""]]:
    arrays, memory = state
    loss, gradient = jax.value_and_grad(_loss)(arrays, settings, material, key)
    with jax.numpy_dtype_promotion("standard"):  # optax counts steps in int32
        updates, memory = _optimizer(settings).update(gradient, memory, arrays)
    moved: Any = optax.apply_updates(arrays, updates)
    return (moved, memory), loss


def _loss(
    arrays: Arrays, settings: Settings, material: dict[str, Array], key: Key[Array, ""]
) -> Float[Array, ""]:
    draw, change, drop_motion, drop_speech = jax.random.split(key, 4)
    starts, rivals = _batch(settings, material, draw)
    points, speech = drawn_windows(material["points"], material["speech"], starts, settings, change)
    encoders = network(settings, arrays)
    features = motion_features(points)[:, MARGIN_FRAMES:-MARGIN_FRAMES]
    moved = encoders.motion(features, drop_motion)
    heard = encoders.speech(speech, drop_speech)
    similarity = jnp.matmul(moved, heard.T, precision=PRECISION)
    return contrastive_loss(jnp.exp(encoders.sharpness[...])[None] * similarity, rivals)


def _batch(
    settings: Settings, material: dict[str, Array], key: Key[Array, ""]
) -> tuple[Int[Array, " B"], Bool[Array, "B B"]]:
    """Draws windows of one speaker, and tells which of them lie far enough apart to be rivals."""
    whose, which = jax.random.split(key)
    speaker = jax.random.categorical(whose, jnp.log(material["shares"]))
    count = material["counts"][speaker]
    place = jax.random.randint(which, (settings.batch_windows,), 0, count)
    starts, clips = material["starts"][speaker, place], material["clips"][speaker, place]
    is_other = clips[:, None] != clips[None]
    is_apart = jnp.abs(starts[:, None] - starts[None]) >= APART_FRAMES
    return starts, is_other | is_apart
