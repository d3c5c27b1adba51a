"""Where an animation came from: enough to make it again."""

import argparse
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.clips.speech import SpeechFeatures
from data_prep.machine.fingerprint import file_hash
from llavataros_jax.config.file import config_to_dict
from llavataros_jax.evaluation.movement import movement
from llavataros_jax.motion.motion import Motion
from llavataros_jax.trained import TrainedRun
from llavataros_jax.training.run import versions


def provenance(
    given: argparse.Namespace,
    run: TrainedRun,
    speech: SpeechFeatures,
    motion: Motion,
    seconds: dict[str, float],
    *,
    audio: Path,
    notes: list[str],
    seed: int,
) -> dict[str, Any]:
    """Returns arguments, resolved config, hashes of all inputs, versions and timings.

    Args:
        given: The command line.
        run: The run, with the options of this animation.
        speech: What was animated.
        motion: What came out.
        seconds: Time that each stage took.
        audio: The recording.
        notes: What the user was told.
        seed: Of this sample.
    """
    digest = hashlib.blake2b(digest_size=16)
    _add_leaves(digest, run.animator.params)
    return {
        # A dial at 0 is no option that was left out.
        "arguments": {
            k: v for k, v in vars(given).items() if not (v is None or v is False or v == [])
        },
        "audio": str(audio),
        "audio_blake2b": file_hash(audio),
        "onto_blake2b": file_hash(Path(given.onto)) if given.onto else None,
        "checkpoint": run.checkpoint,
        "parameters_blake2b": digest.hexdigest(),
        "data_hash": run.manifest.content_hash,
        "sample_seed": seed if run.is_sampled else None,
        "training_seed": run.config.training.seed,
        "deterministic": True,
        "frames": motion.num_frames,
        "fps": motion.fps,
        "movement": {n: None if math.isnan(x) else x for n, x in movement(motion).items()},
        "words": len(speech.words),
        "word_times": [[w.text, w.start_seconds, w.end_seconds] for w in speech.words],
        "notes": notes,
        "seconds": {stage: round(spent, 3) for stage, spent in seconds.items()},
        "versions": versions(),
        "config": config_to_dict(run.config),
    }


def _add_leaves(digest: Any, tree: Any) -> None:
    """Adds parameters to a hash in the order of their names."""
    if isinstance(tree, dict):
        for key in sorted(tree, key=str):
            digest.update(str(key).encode())
            _add_leaves(digest, tree[key])
    else:
        digest.update(np.ascontiguousarray(tree).tobytes())
