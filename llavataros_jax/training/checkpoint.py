"""Saving and restoring; the only file that knows Orbax.

A run keeps two series: `latest`, the newest whole states (carry and optimiser included) from which
training resumes bit by bit, and `best`, the parameters with the lowest validation loss. Saving goes
on in the background while training does. Orbax writes to a temporary folder and commits by
renaming, so a killed save leaves the one before. A checkpoint that was damaged later is told by its
checksums, passed over for the one before it, and kept in `damaged`.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import v1 as ocp

from llavataros_jax.errors import UserError
from llavataros_jax.model import Params
from llavataros_jax.training.checkpoint_apart import require_same_step, whole
from llavataros_jax.training.checkpoint_checksums import write_checksums
from llavataros_jax.training.checkpoint_damage import damage_of, first_line, misfit
from llavataros_jax.training.checkpoint_plan import require_plan, write_plan
from llavataros_jax.training.hosts_same import from_leader
from llavataros_jax.training.state import TrainState

# Orbax logs every failure of its threads, traceback and all, and then raises it as well.
logging.getLogger("absl").setLevel(logging.CRITICAL)
_TEMPORARY = ".orbax-checkpoint-tmp"


class Checkpoints:
    """The two series of a run; use it as a context manager, so that leaving waits for writes.

    Attributes:
        folder: Where they are.
        notes: A sentence for each damaged checkpoint that was moved out of the way.
    """

    def __init__(self, run: Path | str, *, keep: int = 2, is_shared: bool = True):
        """Opens the folder `checkpoints` of a run and removes what a killed save left behind.

        Args:
            run: The run directory.
            keep: How many whole states stay; with 1 there is none before one that is damaged.
            is_shared: Whether all processes see this folder (see `checkpoint_apart`).
        """
        self._is_apart = jax.process_count() > 1 and not is_shared
        self._damage_of = damage_of if self._is_apart else _leaders_damage_of
        self.folder = Path(run).absolute() / "checkpoints"
        self.notes: list[str] = []
        self._plans: dict[str, str] = {}
        # Before Orbax sees it, which does not open a series with a damaged file of metrics.
        for path in _step_folders(self.folder / "best"):
            if reason := self._damage_of(path, ("params",)):
                self._set_aside(path, f"{reason}), so the next validation counts as the best")
        self._latest, self._best = self._open("latest", keep=keep), self._open("best", keep=1)

    def _open(self, series: str, *, keep: int) -> ocp.training.Checkpointer:
        # Orbax types its policies as protocols that its own policies do not satisfy.
        newest: Any = ocp.training.preservation_policies.LatestN(keep)
        every_call: Any = ocp.training.save_decision_policies.FixedIntervalPolicy(1)
        context = ocp.Context()
        if self._is_apart:
            context.multiprocessing.primary_host = None  # each looks after its own folder
            context.array.saving.use_replica_parallel = False
        # It makes float32 a twelfth smaller and writing four times longer.
        context.array.saving.use_compression = False
        context.asynchronous.post_finalization_callback = lambda: self._before_commit(series)
        return ocp.training.Checkpointer(
            str(self.folder / series),
            context=context,
            save_decision_policy=every_call,
            preservation_policy=newest,
            cleanup_tmp_directories=True,
        )

    def _before_commit(self, series: str) -> None:
        """Adds plan and checksums to what is written, just before Orbax renames the folder."""
        if jax.process_index() == 0:
            for path in (self.folder / series).glob(f"*{_TEMPORARY}"):
                if plan := self._plans.pop(f"{series}/{path.name.removesuffix(_TEMPORARY)}", None):
                    write_plan(path, plan)
                write_checksums(path)

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
        try:
            return float(metrics["loss"])
        except (TypeError, KeyError, ValueError):
            return float("inf")

    @property
    def best_step(self) -> int | None:
        """Step of the best parameters, if there are any."""
        return self._best.latest.step if self._best.latest else None

    def save(self, state: TrainState, *, plan: str | None = None, wait: bool = False) -> None:
        """Saves the whole state in the background, or at once with `wait`.

        `plan` is the fingerprint of the plan of the lanes, which `require_plan` will ask for.

        Raises:
            UserError: When this or, because they write in the background, an earlier checkpoint
                cannot be written; so do `save_best`, `wait` and leaving the context.
        """
        step = int(state.step)
        if self.latest_step == step:
            return
        parts = self._kept(_parts(state))
        if plan is not None:
            self._plans[f"latest/{step}"] = plan
        self._end_others()
        with self._refusing():
            self._latest.save_checkpointables_async(step, parts, force=True)
        if wait:
            self.wait()

    def save_best(self, step: int, params: Params, loss: float) -> None:
        """Keeps these parameters as the best."""
        parts = self._kept({"params": params})
        self._end_others()
        with self._refusing():
            self._best.save_checkpointables_async(
                step, parts, metrics={"loss": loss}, force=True, overwrite=True
            )

    def _end_others(self) -> None:
        """Waits for what is being written where several processes write.

        Orbax names their meetings by the number of the newest operation: one that begins while
        another is written is counted sooner by one process than by another, which then wait for
        each other for ever.
        """
        if jax.process_count() > 1:
            self.wait()

    def wait(self) -> None:
        """Blocks until everything is on disk."""
        with self._refusing():
            self._latest.wait()
            self._best.wait()

    def restore(self, abstract: TrainState) -> TrainState:
        """Returns the newest whole state that can be read, laid out as `abstract` says.

        Newer ones are moved to the folder `damaged`, so that their steps can be saved anew.

        Raises:
            UserError: When no state can be read.
        """
        parts = _parts(abstract)
        refused: dict[Path, str] = {}
        for path in _step_folders(self.folder / "latest"):
            loaded, reason = _load(path, parts, damage=self._damage_of)
            if loaded is None:
                refused[path] = reason
                continue
            for damaged, reason in refused.items():
                self._set_aside(damaged, f"{reason}), so training goes on from step {path.name}")
            if refused:
                self._latest.reload()
            if self._is_apart:
                require_same_step(int(path.name), self.folder)
            return TrainState(
                **{**loaded["training"], "params": loaded["params"]}, average=loaded.get("average")
            )
        reasons = "; ".join(f"step {path.name}: {reason}" for path, reason in refused.items())
        raise UserError(
            f"no checkpoint in {self.folder / 'latest'} can be restored ({reasons}); bring the "
            "folder back from a copy, or remove the run directory to train from the beginning"
        )

    def _kept(self, parts: dict[str, Any]) -> dict[str, Any]:
        """Returns what this process can write, alone if its folder is its own."""
        return _kept(whole(parts) if self._is_apart else parts)

    def require_plan(self, step: int, plan: str) -> None:
        """Requires that a whole state, if there is one of this step, was saved with this plan.

        Raises:
            UserError: When it was saved with another.
        """
        require_plan(self.folder / "latest" / str(step), plan)

    def _set_aside(self, path: Path, reason_and_consequence: str) -> None:
        name, target = f"{path.parent.name}_{path.name}", self.folder / "damaged"
        self.notes.append(
            f"checkpoint {path.parent.name}/{path.name} was moved to {target}, because it cannot "
            f"be restored ({reason_and_consequence}"
        )
        if jax.process_index() == 0 or self._is_apart:
            target.mkdir(exist_ok=True)
            taken = sum(other.name.split("-")[0] == name for other in target.iterdir())
            path.rename(target / (f"{name}-{taken + 1}" if taken else name))
        if jax.process_count() > 1 and not self._is_apart:
            multihost_utils.sync_global_devices(f"{name} is set aside")

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turns what Orbax raises when it cannot write into a sentence."""
        try:
            yield
        except (ValueError, OSError) as problem:
            full = "No space left on device"
            reason = full if full in str(problem) else first_line(problem)
            whole = _step_folders(self.folder / "latest")
            kept = f"that of step {whole[0].name} is whole" if whole else "there is none yet"
            raise UserError(
                f"checkpoints could not be written to {self.folder} ({reason}); {kept}, so free "
                "some space and run the same command again"
            ) from problem


def load_params(run: Path | str, abstract: Params) -> tuple[Params, str]:
    """Loads a run's best parameters, or its latest when it has never been validated.

    Of the latest these are the averaged ones, if the run keeps an average; the best are so anyway.
    A damaged checkpoint is passed over for the next one, which is said on the terminal.

    Args:
        run: Run directory.
        abstract: Shapes and types of the parameters.

    Returns:
        Parameters as NumPy arrays, and which checkpoint they are from (`best/1200`).

    Raises:
        UserError: When the run has no checkpoint that fits the run's own config and can be read.
    """
    folder = Path(run).absolute() / "checkpoints"
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    wanted = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), abstract
    )
    refused: list[str] = []
    for path in (*_step_folders(folder / "best"), *_step_folders(folder / "latest")):
        name = f"{path.parent.name}/{path.name}"
        part = "average" if (path / "average").is_dir() else "params"
        loaded, reason = _load(path, {part: wanted})
        if loaded is None:
            refused.append(f"{name}: {reason}")
            continue
        if refused:
            print(
                f"note: in {folder} {name} is used, because a checkpoint before it is damaged "
                f"({'; '.join(refused)})",
                file=sys.stderr,
            )
        return jax.tree.map(np.asarray, loaded[part]), name
    if refused:
        raise UserError(
            f"every checkpoint in {folder} is damaged or belongs to another config "
            f"({'; '.join(refused)}); restore the run directory or train again"
        )
    raise UserError(
        f"run {run} has no checkpoint in {folder}; train it first with "
        "python -m llavataros_jax.train"
    )


def trained_steps(run: Path | str) -> int:
    """Returns the step of a run's newest checkpoint, 0 without any."""
    newest = _step_folders(Path(run) / "checkpoints" / "latest")[:1]
    return int(newest[0].name) if newest else 0


def _parts(state: TrainState) -> dict[str, Any]:
    """Returns what a checkpoint of a whole state holds, by name."""
    # Orbax wants the very names that a checkpoint has, and older ones know no average.
    names = ("step", "opt_state", "key", "carry")
    training = {"params": {}, **{name: getattr(state, name) for name in names}}
    parts = {"params": state.params, "training": training}
    return parts if state.average is None else {**parts, "average": state.average}


def _kept(parts: dict[str, Any]) -> dict[str, Any]:
    """Returns parts that the steps to come leave alone while they are written.

    On a CPU Orbax writes the very memory of the arrays, and a step that was given that memory waits
    until all is written. From other devices it copies, and a second copy there may not fit.
    """

    def kept(leaf: Any) -> Any:
        on_cpu = isinstance(leaf, jax.Array) and next(iter(leaf.devices())).platform == "cpu"
        return jnp.copy(leaf) if on_cpu else leaf

    return jax.tree.map(kept, parts)


def _step_folders(series: Path) -> list[Path]:
    """Returns the folders of a series' checkpoints, the newest first."""
    if not series.is_dir():
        return []
    steps = [path for path in series.iterdir() if path.name.isdecimal() and path.is_dir()]
    return sorted(steps, key=lambda path: int(path.name), reverse=True)


def _leaders_damage_of(step_folder: Path, parts: Iterable[str]) -> str | None:
    """Returns what the first process finds: the others go its way, and do not read it all too."""
    return from_leader(damage_of(step_folder, parts) if jax.process_index() == 0 else None)


def _load(
    path: Path, parts: dict[str, Any], *, damage: Callable[..., str | None] = damage_of
) -> tuple[dict[str, Any] | None, str]:
    """Returns the parts of a checkpoint, or `None` and the reason why it cannot be read."""
    if reason := damage(path, parts):
        return None, reason
    try:
        stored: Any = ocp.checkpointables_metadata(str(path)).metadata
        if reason := misfit(stored, parts):
            return None, reason
        return ocp.load_checkpointables(str(path), parts), ""
    except (MemoryError, RuntimeError):
        raise  # of the machine, not of the file
    except Exception as problem:  # Orbax raises plain Exception for what it cannot decode
        return None, first_line(problem)
