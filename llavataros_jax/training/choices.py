"""What is chosen from the data before training starts, and what the data leaves without effect."""

import dataclasses

from llavataros_jax.config import AudioConfig, Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.data.plan import LanePlan
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.training.resumption import with_dealing
from llavataros_jax.training.run import read_config
from llavataros_jax.training.start import blocks_to_keep

# Of hours, every frame is seen 30 times; of minutes, more often, until this many were seen.
LEAST_EPOCHS = 30
LEAST_FRAMES = 600_000
LEAST_STEPS, MOST_STEPS = 400, 20_000
# Steps for each step of warm-up, at least.
STEPS_A_WARM_UP_STEP = 4
CROSS_BLOCKS = 2


def choose(config: Config, manifest: Manifest) -> tuple[Config, list[str]]:
    """Resolves `training.steps=0` and `model.cross_blocks=-1` by the records.

    A run that is there keeps its `training.dealing`, by which the steps of an epoch are counted.

    Returns:
        A config in which nothing is left to choose (it comes back as it is from another call), and
        a sentence for each choice and for whatever has no effect on these records.
    """
    said: list[str] = []
    run = run_folder(config.training.run)
    if (run / "config.yaml").is_file():
        config, said = with_dealing(config, read_config(run))
    clips = manifest.clips
    dyadic = sum(clip.interlocutor_speaker >= 0 for clip in clips)
    if config.model.cross_blocks < 0:
        kept = blocks_to_keep(config)
        blocks = kept[0] if kept else CROSS_BLOCKS if dyadic else 0
        config = dataclasses.replace(
            config, model=dataclasses.replace(config.model, cross_blocks=blocks)
        )
        reason = (
            f"{dyadic or 'none'} of {len(clips)} records {'have' if dyadic != 1 else 'has'} an "
            "interlocutor"
        )
        if kept:
            reason = f"as many as training.start_from={kept[1]} has"
        said.append(f"model.cross_blocks={blocks}: {reason}")
    if config.training.steps == 0:
        steps, reason = _steps(config, manifest)
        config = dataclasses.replace(
            config, training=dataclasses.replace(config.training, steps=steps)
        )
        said.append(f"training.steps={steps}: {reason}")
    return config, said + _without_effect(config, manifest, dyadic)


def _steps(config: Config, manifest: Manifest) -> tuple[int, str]:
    """Returns the steps to train, and the numbers behind them."""
    lengths = [clip.num_frames for clip in manifest.clips_of("train")]
    frames = sum(lengths)
    if not frames:
        return LEAST_STEPS, "there are no training clips"
    plan = LanePlan.of(config.training, lengths, segment_frames=config.model.segment_frames)
    segments, each = plan.epoch_steps(0), config.training.accumulate_segments
    epochs = max(LEAST_EPOCHS, -(-LEAST_FRAMES // frames))
    wanted = -(-epochs * segments // each)
    steps = min(max(wanted, LEAST_STEPS), MOST_STEPS)
    warm_up = STEPS_A_WARM_UP_STEP * config.optimizer.warmup_steps
    bound = ""
    if steps < warm_up:
        steps = warm_up
        bound = f", because optimizer.warmup_steps={config.optimizer.warmup_steps}"
    elif steps != wanted:
        bound = f", the {'least' if steps > wanted else 'most'} that is chosen"
    minutes = frames / manifest.fps / 60
    recorded = sum(clip.num_frames for clip in manifest.recorded_of("train"))
    of_them = f" ({recorded / manifest.fps / 60:,.1f} without copies)" if recorded < frames else ""
    return steps, (
        f"{steps * each / segments:,.1f} epochs of {segments / each:,.4g} steps over "
        f"{minutes:,.1f} minutes of training clips{of_them}{bound}"
    )


def _without_effect(config: Config, manifest: Manifest, dyadic: int) -> list[str]:
    """Returns a sentence for what was given or asked for and changes nothing."""
    model, training = config.model, config.training
    held_out = len(manifest.clips_of("validation"))
    # The first validation is the best so far.
    shortest = (1 + training.patience) * training.validate_every if training.patience else 0
    told = (
        (
            dyadic and model.cross_blocks == 0,
            f"{dyadic} of {len(manifest.clips)} records have an interlocutor, who has no effect, "
            "because model.cross_blocks=0",
        ),
        (
            not dyadic and model.cross_blocks > 0 and not training.start_from,
            f"model.cross_blocks={model.cross_blocks}, but no record has an interlocutor to attend "
            "to; 0 trains faster",
        ),
        (
            model.variant == "text" and config.audio.kind != AudioConfig.kind,
            f"audio.kind={config.audio.kind} has no effect, because model.variant=text reads words "
            "alone",
        ),
        (
            model.variant == "audio" and config.text.kind == "language_model",
            f"text.kind={config.text.kind} has no effect, because model.variant=audio reads sound "
            "alone",
        ),
        (
            not held_out and (training.validate_every or training.sample_every),
            "training.validate_every and training.sample_every have no effect, because no clip is "
            "held out (data.holdout_fraction)",
        ),
        (
            training.patience and not (held_out and training.validate_every),
            f"training.patience={training.patience} has no effect, because "
            + ("training.validate_every=0" if held_out else "no clip is held out"),
        ),
        (
            held_out and training.steps <= shortest,
            f"training.patience={training.patience} has no effect, because training ends at step "
            f"{training.steps}",
        ),
        (
            held_out and training.sample_every > training.steps,
            f"training.sample_every={training.sample_every} has no effect, because training ends "
            f"at step {training.steps}",
        ),
    )
    return [sentence for holds, sentence in told if holds]
