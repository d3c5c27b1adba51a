"""Saving and restoring; the only file that knows Orbax.

A run keeps two series: `latest`, the whole state (carry and optimiser included) from which
training resumes bit by bit, and `best`, the parameters with the lowest validation loss. Orbax
writes to a temporary folder and commits by renaming, so a killed save leaves the one before.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from llavataros_jax.errors import UserError
from llavataros_jax.model import Params
from llavataros_jax.training.state import TrainState

# Orbax logs every failure of its threads, traceback and all, and then raises it as well.
logging.getLogger("absl").setLevel(logging.CRITICAL)


class Checkpoints:
    """The two series of a run; use it as a context manager, so that leaving waits for writes."""

    def __init__(self, run: Path | str):
        """Opens the folder `checkpoints` of a run and removes what a killed save left behind."""
        self.folder = folder = Path(run).absolute() / "checkpoints"
        # Orbax types its policies as protocols that its own policies do not satisfy.
        latest_only: Any = ocp.training.preservation_policies.LatestN(1)
        every_call: Any = ocp.training.save_decision_policies.FixedIntervalPolicy(1)
        self._latest, self._best = (
            ocp.training.Checkpointer(
                str(folder / series),
                save_decision_policy=every_call,
                preservation_policy=latest_only,
                cleanup_tmp_directories=True,
            )
            for series in ("latest", "best")
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        refusals = []
        for series in (self._latest, self._best):
            try:
                with self._refusing():
                    series.close()
            except UserError as refusal:
                refusals.append(refusal)
        # What failed first is on its way already.
        if refusals and kind is None:
            raise refusals[0]

    @property
    def latest_step(self) -> int | None:
        """Step of the newest whole state, if there is one."""
        return self._latest.latest.step if self._latest.latest else None

    @property
    def best_loss(self) -> float:
        """Lowest validation loss saved so far; infinity before the first."""
        newest = self._best.latest
        metrics: Any = newest.metrics if newest else None
        return float(metrics["loss"]) if metrics else float("inf")

    def save(self, state: TrainState, *, wait: bool = False) -> None:
        """Saves the whole state in the background, or at once with `wait`.

        Raises:
            UserError: When this or, because they write in the background, an earlier checkpoint
                cannot be written; so do `save_best`, `wait` and leaving the context.
        """
        step = int(state.step)
        if self.latest_step == step:
            return
        parts = {"params": state.params, "training": state.replace(params={})}
        with self._refusing():
            self._latest.save_checkpointables_async(step, parts, force=True)
        if wait:
            self.wait()

    def save_best(self, step: int, params: Params, loss: float) -> None:
        """Keeps these parameters as the best."""
        with self._refusing():
            self._best.save_checkpointables_async(
                step, {"params": params}, metrics={"loss": loss}, force=True, overwrite=True
            )

    def wait(self) -> None:
        """Blocks until everything is on disk."""
        with self._refusing():
            self._latest.wait()
            self._best.wait()

    def restore(self, abstract: TrainState) -> TrainState:
        """Returns the newest whole state, laid out as `abstract` says."""
        parts = {"params": abstract.params, "training": abstract.replace(params={})}
        loaded = self._latest.load_checkpointables(None, parts)
        return loaded["training"].replace(params=loaded["params"])

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turns what Orbax raises when it cannot write into a sentence."""
        try:
            yield
        except (ValueError, OSError) as problem:
            full = "No space left on device"
            reason = full if full in str(problem) else str(problem).splitlines()[0][:200]
            steps = sorted(int(path.name) for path in self.folder.glob("latest/[0-9]*[0-9]"))
            kept = f"that of step {steps[-1]} is whole" if steps else "there is none yet"
            raise UserError(
                f"checkpoints could not be written to {self.folder} ({reason}); {kept}, so free "
                "some space and run the same command again"
            ) from problem


def load_params(run: Path | str, abstract: Params) -> tuple[Params, str]:
    """Loads a run's best parameters, or its latest when it has never been validated.

    Args:
        run: Run directory.
        abstract: Shapes and types of the parameters.

    Returns:
        Parameters as NumPy arrays, and which checkpoint they are from (`best/1200`).

    Raises:
        UserError: When the run has no checkpoint or it does not fit the run's own config.
    """
    folder = Path(run).absolute() / "checkpoints"
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    wanted = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), abstract
    )
    for series in ("best", "latest"):
        if not (folder / series).is_dir():
            continue
        steps = sorted(
            int(p.name) for p in (folder / series).iterdir() if p.name.isdigit() and p.is_dir()
        )
        if not steps:
            continue
        path = folder / series / str(steps[-1])
        try:
            loaded = ocp.load_checkpointables(str(path), {"params": wanted})["params"]
        except (ValueError, KeyError, FileNotFoundError, OSError) as problem:
            reason = str(problem).strip().splitlines()[0][:200] if str(problem) else "unreadable"
            raise UserError(
                f"checkpoint {path} is damaged or belongs to another config ({reason}); restore "
                "the run directory or train again"
            ) from problem
        return jax.tree.map(np.asarray, loaded), f"{series}/{steps[-1]}"
    raise UserError(
        f"run {run} has no checkpoint in {folder}; train it first with "
        "python -m llavataros_jax.train"
    )
