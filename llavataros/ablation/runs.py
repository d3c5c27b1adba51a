"""The networks of an ablation: one for each variant and seed, each in a run directory."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llavataros.ablation.parts import Part, option
from llavataros.ablation.variants import COMMON, Variant
from llavataros_jax.config import Config
from llavataros_jax.config.file import load_config
from llavataros_jax.data.identity import difference
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.training.choices import choose
from llavataros_jax.training.resumption import continued
from llavataros_jax.training.run import read_config, require_run_folder

State = Literal["absent", "begun", "finished"]


@dataclass(frozen=True)
class Run:
    """One network.

    Attributes:
        variant: What it hears.
        seed: Of its parameters, dropout and the order of clips.
        part: What it holds out.
        folder: Its run directory.
        options: Options of training, `--config` first.
    """

    variant: Variant
    seed: int
    part: Part
    folder: Path
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name in messages and of files."""
        return self.folder.name

    @property
    def log(self) -> Path:
        """What training and measuring print."""
        return self.folder.with_name(f"{self.name}.log")

    @property
    def measured(self) -> Path:
        """What was measured, beside the run directory."""
        return self.folder.with_name(f"{self.name}.npz")

    def config(self) -> tuple[Config, Manifest]:
        """Returns the resolved config and the manifest of the records.

        Raises:
            UserError: When options or records are wrong.
        """
        config = load_config(self.options[1], self.options[2:])
        manifest = load_manifest(config.data.records)
        return choose(config, manifest)[0], manifest

    def state(self) -> State:
        """Says whether the network is trained, refusing what belongs to something else.

        Raises:
            UserError: When the folder is no run directory, or one of other options or records.
        """
        require_run_folder(self.folder)
        if not (self.folder / "config.yaml").exists():
            return "absent"
        config, manifest = self.config()
        continued(self.folder, read_config(self.folder), config)
        if differing := difference(load_manifest(self.folder), manifest):
            raise UserError(
                f"run {self.folder} was trained on other records than {self.part.records} holds "
                f"now ({differing}); choose another --out or remove that folder"
            )
        return "finished" if latest_step(self.folder) >= config.training.steps else "begun"


def plan_runs(
    variants: tuple[Variant, ...],
    seeds: int,
    parts: tuple[Part, ...],
    *,
    config: str,
    overrides: list[str],
    out: Path,
) -> tuple[Run, ...]:
    """Returns the networks to train, all variants of a seed after each other.

    Seed n holds out part n, from the first again after the last. So an ablation that is stopped
    has whole seeds, in which every variant heard the same.
    """
    runs = []
    for seed in range(1, seeds + 1):
        part = parts[(seed - 1) % len(parts)]
        for variant in variants:
            folder = out / f"{variant.name}_{seed}"
            own = (*COMMON, *variant.overrides, f"training.seed={seed}")
            own = (*own, option("training.run", folder))
            options = ("--config", config, *overrides, *part.overrides, *own)
            runs.append(Run(variant, seed, part, folder, options))
    return tuple(runs)


def latest_step(folder: Path) -> int:
    """Returns the step of a run's newest checkpoint, 0 without any."""
    saved = folder / "checkpoints" / "latest"
    names = [path.name for path in saved.iterdir()] if saved.is_dir() else []
    return max((int(name) for name in names if re.fullmatch(r"\d+", name)), default=0)
