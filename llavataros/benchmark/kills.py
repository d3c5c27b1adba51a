"""Kills a training by SIGKILL at random moments, and compares the end with that of one left alone.

The demo's network on the bundled corpus, saved so often that many kills fall in a save.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint_damage import stored_values

_MOST_KILLS, _SEED = 20, 1
_STEPS_A_KILL = 20
_STEP = re.compile(r"step (\d+)/\d+ · loss ")
_LONGEST_SECONDS = 900  # to the first step, on a busy machine


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        age_seconds: Of the process.
        start_seconds: From its start to its first step; None when it did not come so far.
        step: The last step that it told of.
        saves: The checkpoints that it was writing, such as `latest/40`.
    """

    age_seconds: float
    start_seconds: float | None
    step: int | None
    saves: tuple[str, ...]

    def __str__(self) -> str:
        where = "before its first step" if self.step is None else f"after step {self.step}"
        return ", ".join(
            (f"{self.age_seconds:6.1f} s: {where}", *map("in save {}".format, self.saves))
        )


def run(turns: int) -> None:
    """Kills as many times as there are turns, at most 20.

    Raises:
        UserError: When a process ends with an error, or the two runs do not end alike.
    """
    count = min(turns, _MOST_KILLS)
    steps = _STEPS_A_KILL * count
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # What one process has compiled the others read, so that they start within seconds.
        environment = {
            "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        program = [sys.executable, "-m", "llavataros"]
        options = ["--config", "demo", f"data.records={folder / 'records'}"]
        _Process([*program, "prepare", *options], environment).end()
        options += [f"training.steps={steps}", "optimizer.warmup_steps=5", "training.log_every=1"]
        periods = ("checkpoint_every=5", "validate_every=20", "sample_every=0")
        options += [f"training.{period}" for period in periods]
        train = [*program, "train", *options]
        alone = _Process([*train, f"training.run={folder / 'alone'}"], environment)
        alone.end()
        began = time.monotonic()
        kills = kill_again(
            [*train, f"training.run={folder / 'killed'}"],
            folder / "killed",
            count=count,
            steps_seconds=alone.age_seconds - (alone.start_seconds or 0.0),
            random=random.Random(_SEED),
            environment=environment,
        )
        print(f"{count} kills of a training of {steps} steps of the demo, seed {_SEED}")
        print(*(f"  {kill}" for kill in kills), sep="\n")
        in_saves = sum(bool(kill.saves) for kill in kills)
        starting = sum(kill.step is None for kill in kills)
        starts = [kill.start_seconds for kill in kills if kill.start_seconds is not None]
        print(f"{in_saves} in a save, {starting} before the first step, {count} in all")
        print(f"start to first step: median {np.median(starts):.1f} s, longest {max(starts):.1f} s")
        print(f"alone {alone.age_seconds:.0f} s, killed {time.monotonic() - began:.0f} s")
        print(require_alike(folder / "alone", folder / "killed", step=steps))


def kill_again(
    command: Sequence[str],
    run: Path,
    *,
    count: int,
    steps_seconds: float,
    random: random.Random,
    environment: Mapping[str, str],
) -> list[Kill]:
    """Starts a training again and again, kills it each time, and lets it end the last time.

    A moment is drawn from the start of the process to as long after its first step as lets all
    kills fall before the end.

    Args:
        command: What starts it, or goes on; it must print a line for each step.
        run: Its run directory.
        count: How many kills.
        steps_seconds: How long all steps take without any.
        random: Where moments are drawn from.
        environment: Variables for it besides those of this process.

    Raises:
        UserError: When a process ends by itself before it is killed, or with an error.
    """
    kills: list[Kill] = []
    start_seconds, left_over = 0.0, set[Path]()
    for _ in range(count):
        moment = random.uniform(0, start_seconds + steps_seconds / count)
        process = _Process(command, environment)
        if moment >= start_seconds:
            process.wait_for_step()
            moment += process.age_seconds - start_seconds
        process.kill_at(moment)
        saves = {path for path in run.glob("checkpoints/*/*.orbax-checkpoint-tmp")}
        new = sorted(f"{path.parent.name}/{path.name.split('.')[0]}" for path in saves - left_over)
        left_over = saves
        kills.append(Kill(process.age_seconds, process.start_seconds, process.step, tuple(new)))
        start_seconds = process.start_seconds or start_seconds
    _Process(command, environment).end()
    return kills


def require_alike(alone: Path, killed: Path, *, step: int) -> str:
    """Returns a sentence about what two runs have alike bit by bit.

    Raises:
        UserError: When whole states after `step`, or the logged numbers of any step, differ.
    """
    wanted, got = (
        stored_values(run / "checkpoints" / "latest" / str(step), ("params", "training"))
        for run in (alone, killed)
    )
    if differing := sorted(k for k in wanted.keys() | got.keys() if wanted.get(k) != got.get(k)):
        raise UserError(
            f"after step {step} {len(differing)} of {len(wanted)} values differ, such as "
            f"{differing[0]}; training does not go on bit by bit on this machine"
        )
    lines, other = _logged(alone), _logged(killed)
    if differing := sorted(k for k in lines.keys() | other.keys() if lines.get(k) != other.get(k)):
        raise UserError(
            f"the states after step {step} are alike, but the numbers logged of "
            f"{len(differing)} steps differ, the first at step {differing[0]}"
        )
    size = sum(map(len, wanted.values()))
    return (
        f"equal bit by bit: the whole state after step {step} ({len(wanted)} values of "
        f"{size:,} bytes) and what was logged of {len(lines)} steps"
    )


def _logged(run: Path) -> dict[int, dict[str, float]]:
    """Returns the numbers of each step but those of speed."""
    steps: dict[int, dict[str, float]] = {}
    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines():
        numbers = json.loads(line)
        kept = {name: value for name, value in numbers.items() if not name.startswith("perf/")}
        steps.setdefault(int(numbers["step"]), {}).update(kept)
    return steps


class _Process:
    """A process whose lines are read as they come.

    Attributes:
        step: The last step that it told of, if any.
        start_seconds: Its age when it told of the first.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        self.step: int | None = None
        self.start_seconds: float | None = None
        self._told, self._lines, self._ended = threading.Event(), [""], None
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines = [*self._lines[-20:], line]
            if match := _STEP.match(line):
                if self.step is None:
                    self.start_seconds = self.age_seconds
                self.step = int(match[1])
                self._told.set()
        self._told.set()

    @property
    def age_seconds(self) -> float:
        """Since its start, or what it was when it ended."""
        return self._ended or time.monotonic() - self._began

    def wait_for_step(self) -> None:
        """Blocks until it has told of a step, or is at its end."""
        self._told.wait(_LONGEST_SECONDS)

    def kill_at(self, age_seconds: float) -> None:
        """Kills it at an age.

        Raises:
            UserError: When it ended before.
        """
        try:
            self._process.wait(max(0.0, age_seconds - self.age_seconds))
        except subprocess.TimeoutExpired:
            self._process.kill()
        if self._wait() != -signal.SIGKILL:
            self._refuse("ended before it was killed")

    def end(self) -> None:
        """Waits for its end.

        Raises:
            UserError: When it ends with an error.
        """
        if code := self._wait():
            self._refuse(f"ended with code {code}")

    def _wait(self) -> int:
        code = self._process.wait()
        self._ended = self.age_seconds
        self._reader.join()
        return code

    def _refuse(self, what: str) -> None:
        said = "".join(self._lines).strip().splitlines() or ["nothing"]
        raise UserError(f"a process that was started here {what}; last it said: {said[-1]}")
