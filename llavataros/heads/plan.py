"""The trainings that rows need, and what is still to be done for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llavataros.ablation.measurement import read_measured
from llavataros.ablation.parts import Part
from llavataros.ablation.runs import Run, latest_step, plan_runs
from llavataros.ablation.variants import Variant
from llavataros.ablation.workers import Job
from llavataros.heads.measurement import identity_of
from llavataros.heads.rows import Row
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.run_options import SAMPLING


@dataclass(frozen=True)
class Plan:
    """What is trained and measured.

    Attributes:
        rows: Rows of the table.
        runs: By row, its run for each seed, the first of seed 1; rows may share runs.
        out: Folder of the table.
        dials: Options of sampling and films for all rows.
        samples: Motions of each clip of a sampled head.
        embedding: Autoencoder for FGD.
        alignment: Encoders for the matched score, if there are any.
    """

    rows: tuple[Row, ...]
    runs: Mapping[str, tuple[Run, ...]]
    out: Path
    dials: tuple[str, ...]
    samples: int
    embedding: Path
    alignment: Path | None

    def measured(self, row: Row, run: Run) -> Path:
        """Returns where the sums of a row of a run are."""
        return self.out / "measured" / f"{row.name}_{run.seed}.npz"

    def dials_of(self, row: Row) -> tuple[str, ...]:
        """Returns the dials of a row; those of samples mean nothing to a regression."""
        given = [d for d in self.dials if row.is_sampled or d.partition("=")[0] not in SAMPLING]
        return (*given, *row.dials)

    def samples_of(self, row: Row) -> int:
        """Returns how many motions of each clip there are of a row."""
        return self.samples if row.is_sampled else 1

    def jobs(self) -> list[Job]:
        """Returns what is left to do, one job for each run.

        Raises:
            UserError: When a run directory belongs to something else.
        """
        rows_of: dict[Run, list[Row]] = {}
        for row in self.rows:
            for run in self.runs[row.name]:
                rows_of.setdefault(run, []).append(row)
        jobs = []
        for run in sorted(rows_of, key=lambda run: run.seed):
            steps = run.config()[0].training.steps
            is_trained = run.state() == "finished"
            waiting = [
                self._measuring(row, run)
                for row in rows_of[run]
                if not (is_trained and self._is_measured(row, run))
            ]
            if not waiting:
                continue
            train = () if is_trained else (("-m", "llavataros_jax.train", *run.options),)
            left = 0 if is_trained else steps - latest_step(run.folder)
            jobs.append(
                Job(
                    run.name, (*train, *waiting), run.log, left + len(waiting) * max(steps // 10, 1)
                )
            )
        return jobs

    def _measuring(self, row: Row, run: Run) -> tuple[str, ...]:
        options = ["--samples", str(self.samples_of(row)), "--embedding", str(self.embedding)]
        options += ["--enlarged"] if row.is_enlarged else []
        options += ["--alignment", str(self.alignment)] if self.alignment else []
        places = (str(run.folder), str(self.measured(row, run)))
        return ("-m", "llavataros.heads.measurement", *places, *options, *self.dials_of(row))

    def _is_measured(self, row: Row, run: Run) -> bool:
        expected = identity_of(
            *(f"latest/{latest_step(run.folder)}", load_manifest(run.folder).content_hash),
            dials=self.dials_of(row),
            samples=self.samples_of(row),
            enlarged=row.is_enlarged,
            embedding=self.embedding,
            alignment=self.alignment,
        )
        return read_measured(self.measured(row, run))[0] == expected


def plan_trainings(
    rows: Sequence[Row],
    parts: Mapping[str, Part],
    *,
    seeds: int,
    config: str,
    overrides: Sequence[str],
    out: Path,
) -> dict[str, tuple[Run, ...]]:
    """Returns each row's runs, one for each seed, in run directories called by the training.

    Args:
        rows: The rows.
        parts: By training, the records that it is of.
        seeds: Networks of each training.
        config: File of options.
        overrides: Options for all trainings.
        out: Folder for the run directories.
    """
    runs: dict[str, tuple[Run, ...]] = {}
    for row in rows:
        if row.training not in runs:
            variant = Variant(row.training, row.says, row.overrides, words=True, sound=True)
            runs[row.training] = plan_runs(
                *((variant,), seeds, (parts[row.training],)),
                config=config,
                overrides=list(overrides),
                out=out,
            )
    return {row.name: runs[row.training] for row in rows}
