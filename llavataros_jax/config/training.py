"""How long and how often."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require

Dealing = Literal["epochs", "stream"]


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how often.

    Attributes:
        run: Folder of the run: config, logs, checkpoints, samples; or one in a bucket, such as
            `gs://bucket/run` (docs/storage.md).
        start_from: Folder of another run, whole or exported (such as `starter`), whose parameters a
            new run begins with; what depends on other records is converted or new
            (`training/transfer.py`). A run that has a checkpoint goes on from its own.
        steps: Optimiser steps; 0 means chosen from the data, which `training.choices` explains.
        lanes: Rows of the batch; each reads whole clips one after another.
        seed: Seed of parameters, dropout and the order of clips.
        piece_segments: Deal clips to lanes in pieces of so many segments; 0 means whole. For
            corpora of fewer clips than lanes; each piece starts with an empty memory.
        dealing: What lanes do that have read the last clip of an epoch: `stream` reads clips of the
            next one at once; `epochs` waits for the other lanes, as runs did that were begun before
            there was this option. A run keeps that of its first start.
        steps_per_call: Steps that one call of the compiled program takes, one after another, where
            nothing is due between them; the same as one by one. It spares the host, and pays on
            devices that are quicker than it. Where it divides the periods below, all calls do.
        accumulate_segments: Consecutive segments of every lane whose gradients are added up for one
            step (gradient accumulation), where so many times the lanes do not fit. Sums and counts
            are added and divided once, so that it is their step; only the rivals of
            `loss.contrastive` stay those of one segment. `steps` and all periods count steps of the
            optimiser.
        random_phase: Start every clip at a random frame of its first segment, anew each epoch.
        log_every: Steps between log lines.
        validate_every: Steps between validations on held-out clips; 0 turns it off.
        patience: Validations without a better held-out loss after which training ends, counted
            from the best checkpoint by `validate_every`; 0 trains all steps.
        checkpoint_every: Steps between checkpoints.
        sample_every: Steps between rendered samples; 0 turns them off.
        sample_seconds: Length of a rendered sample.
        deterministic: Have a GPU give the same bits each time, also after a resume; some programs
            are slower (kernels are not tuned). Other devices do anyhow.
        dropout_bits: Random bit generator of dropout. `threefry2x32` gives the same bits
            everywhere; `rbg` may cost less on an accelerator (`scripts/benchmark.py dropout`).
    """

    run: str = "runs/default"
    start_from: str | None = None
    steps: int = 1000
    lanes: int = 32
    seed: int = 1
    piece_segments: int = 0
    dealing: Dealing = "stream"
    steps_per_call: int = 1
    accumulate_segments: int = 1
    random_phase: bool = True
    log_every: int = 50
    validate_every: int = 500
    patience: int = 0
    checkpoint_every: int = 500
    sample_every: int = 0
    sample_seconds: float = 8.0
    deterministic: bool = False
    dropout_bits: Literal["threefry2x32", "rbg", "unsafe_rbg"] = "threefry2x32"

    def __post_init__(self) -> None:
        require(bool(self.run.strip()), "training.run must name a folder", self)
        require(
            self.start_from is None or bool(self.start_from.strip()),
            "training.start_from must name the folder of a run, or be null",
            self,
        )
        for name in (
            *("lanes", "steps_per_call", "accumulate_segments"),
            *("log_every", "checkpoint_every", "sample_seconds"),
        ):
            require(getattr(self, name) > 0, f"training.{name} must be positive", self)
        for name in (
            *("steps", "seed", "piece_segments"),
            *("validate_every", "patience", "sample_every"),
        ):
            require(getattr(self, name) >= 0, f"training.{name} must not be negative", self)
