"""Where recordings come from and where records go."""

import re
from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class DataConfig:
    """Where recordings come from, where records go, and what is held out.

    Attributes:
        folder: Folder of recordings.
        source: How its files belong together: `folder` (audio with motion of the same name beside
            it), `pairs` (by the patterns below), `genea` (GENEA 2023), `beat2` (SMPL-X `.npz`);
            `auto` looks which of them it is.
        audio_glob: Pattern of the audio files in `folder`, such as `wav/{name}.wav`; for `pairs`.
        motion_glob: Pattern of the motion files, with the same `{name}` or as many wildcards.
        words_glob: Pattern of the timed words or transcripts.
        records: Folder that preparation writes and training reads; training and evaluation also
            read one in a bucket, such as `gs://bucket/records` (docs/storage.md).
        words_folder: Folder of timed words or transcripts, if they are not beside the audio.
        holdout: `takes` holds out whole takes for validation, `tail` the end of every take; `auto`
            takes whole ones where there are enough.
        holdout_fraction: Share of the takes (or of each take's seconds) that is held out.
        holdout_takes: Takes to hold out by name; overrides `holdout_fraction`.
        drop_and_trim: GENEA's window rule: leave out the first 6 seconds of every clip and end it
            at a multiple of 3 seconds (spec section 1.4).
        shard_megabytes: A new TFRecord shard begins when the last one exceeds this size.
        resident: Whether training keeps all its clips on every device, and batches are gathered
            there: `auto` does on accelerators, if they take at most a third of the memory.
        workers: Preparation processes; 0 means one for each core, or fewer where there is too
            little to prepare for so many to pay.
        strict: Stop at the first clip that fails instead of reporting it and going on.
    """

    folder: str = "recordings"
    source: Literal["auto", "folder", "pairs", "genea", "beat2"] = "auto"
    audio_glob: str | None = None
    motion_glob: str | None = None
    words_glob: str | None = None
    records: str = "records"
    words_folder: str | None = None
    holdout: Literal["takes", "tail", "auto"] = "takes"
    holdout_fraction: float = 0.1
    holdout_takes: tuple[str, ...] = ()
    drop_and_trim: bool = False
    shard_megabytes: int = 256
    resident: Literal["auto", "on", "off"] = "auto"
    workers: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("folder", "records"):
            require(bool(getattr(self, name).strip()), f"data.{name} must not be empty", self)
        # What pathlib makes of a URL, and what would be a folder called gs: here.
        is_cut = re.match(r"[a-z][a-z0-9+.-]+:/(?!/)", self.records)
        require(not is_cut, "data.records must have both slashes of a URL", self)
        require(0 <= self.holdout_fraction < 1, "data.holdout_fraction must be in [0, 1)", self)
        require(self.shard_megabytes > 0, "data.shard_megabytes must be positive", self)
        require(self.workers >= 0, "data.workers must not be negative", self)
        require(
            not (self.holdout == "tail" and self.holdout_takes),
            "data.holdout_takes needs data.holdout=takes; leave one of them out",
            self,
        )
        patterns = (self.audio_glob, self.motion_glob, self.words_glob)
        require(
            None not in patterns[:2] or (self.source != "pairs" and not any(patterns)),
            "data.source=pairs needs data.audio_glob and data.motion_glob, and they each other",
            self,
        )
        require(
            not any(patterns) or self.source in ("auto", "pairs"),
            "data.audio_glob, motion_glob and words_glob need data.source=pairs",
            self,
        )
