"""Where numbers go while training: a JSON line, TensorBoard, and the terminal."""

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from llavataros_jax.atomic import write_text

# tensorboardX imports torch wherever it is installed, for pictures of models; training must not.
_hidden = "torch" not in sys.modules
if _hidden:
    sys.modules["torch"] = None  # pyright: ignore[reportArgumentType]
from tensorboardX import SummaryWriter  # noqa: E402

if _hidden:
    del sys.modules["torch"]


class Tracker:
    """Writes scalars of a run and shows progress with an ETA.

    On a terminal there is a bar; elsewhere each log interval prints one line.
    """

    def __init__(self, run: Path, *, first_step: int, last_step: int, quiet: bool = False):
        """Opens the logs of `run`; lines that a killed run wrote after `first_step` are dropped.

        `quiet` writes and shows nothing, for the processes of other hosts.
        """
        self.quiet = quiet
        self._hook = threading.excepthook
        self.last_step = last_step
        self.first_step = first_step
        self.began = time.monotonic()
        if quiet:
            return
        path = run / "log.jsonl"
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            kept = [line for line in text.splitlines() if _step_of(line) <= first_step]
            if (now := "".join(f"{line}\n" for line in kept)) != text:
                write_text(path, now)
        self._log = path.open("a", encoding="utf-8")
        # Its thread dies of a full disk, and then a queue with a limit would block this one.
        self._board = SummaryWriter(
            str(run / "tensorboard"), purge_step=first_step, max_queue=1_000_000
        )
        self._bar = tqdm(
            total=last_step,
            initial=first_step,
            unit="step",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Tracker":
        if not self.quiet:
            threading.excepthook = self._note_end_of_thread
        return self

    def __exit__(self, *_: Any) -> None:
        if not self.quiet:
            with suppress(OSError):
                self._board.close()
            self._bar.close()
            threading.excepthook = self._hook
            self._log.close()

    def advance(self) -> None:
        """Moves the bar by a step."""
        if not self.quiet:
            self._bar.update(1)

    def log(self, step: int, scalars: dict[str, float]) -> None:
        """Writes scalars such as `train/loss` under a step."""
        if self.quiet:
            return
        rounded = {name: float(value) for name, value in scalars.items()}
        self._log.write(json.dumps({"step": step, **rounded}) + "\n")
        self._log.flush()
        for name, value in rounded.items():
            self._board.add_scalar(name, value, step)

    def say(self, step: int, text: str) -> None:
        """Shows a line with the step and, off a terminal, the time that is left."""
        if self.quiet:
            return
        done = step - self.first_step
        left = (time.monotonic() - self.began) / done * (self.last_step - step) if done else 0.0
        eta = (
            f" · ETA {clock(left)}" if self._bar.disable and done and step < self.last_step else ""
        )
        tqdm.write(f"step {step}/{self.last_step} · {text}{eta}", file=sys.stderr)

    def _note_end_of_thread(self, what: Any) -> None:
        """Says in a line that TensorBoard's thread cannot write; other threads' failures go on."""
        if isinstance(what.exc_value, OSError):
            tqdm.write(f"TensorBoard's curves end here: {what.exc_value}", file=sys.stderr)
        else:
            self._hook(what)

    def show(self, text: str) -> None:
        """Puts a short text at the end of the bar."""
        if not self.quiet:
            self._bar.set_postfix_str(text, refresh=False)

    @property
    def on_terminal(self) -> bool:
        """Whether a bar is shown."""
        return not self.quiet and not self._bar.disable


def clock(seconds: float) -> str:
    """Returns `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _step_of(line: str) -> float:
    """Returns the step of a log line; a line cut short by a kill counts as beyond any step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
