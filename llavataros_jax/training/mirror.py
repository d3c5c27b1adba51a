"""A run directory in a bucket: training works in a folder on this machine, whose copy is there.

What Orbax, TensorBoard and ffmpeg write stays as it is, and training never waits for the network. A
thread copies what is new: files as a whole, and each checkpoint once it is committed, the file that
makes it valid last. The same command goes on from there on any machine. What the bucket holds
counts, unless this folder is what was copied there last.
"""

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import jax

from llavataros_jax.atomic import write_text
from llavataros_jax.errors import UserError
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.storage.lease import Lease
from llavataros_jax.storage.place import is_remote, placed
from llavataros_jax.storage.remote import read, remove, send
from llavataros_jax.training.checkpoint_damage import damage_of
from llavataros_jax.training.hosts_same import from_leader
from llavataros_jax.training.hosts_stop import Stopped
from llavataros_jax.training.remote_run import COMMIT, SERIES, RunCopy

COPY_SECONDS = 30.0
_LEASE = ".lock"
_WHOLE = ("params", "training")


@contextmanager
def mirrored(run: str) -> Iterator[None]:
    """Copies a run from and to its bucket as long as the block trains; a folder is left alone.

    Of several processes the first copies the run and the others their logs.

    Raises:
        UserError: When another process trains it, or it cannot be copied.
    """
    if not is_remote(run):
        yield
        return
    is_first = jax.process_index() == 0
    try:
        with ExitStack() as held:
            if is_first:
                held.enter_context(Mirror(run)).send()
            from_leader(None)  # the others go on from what it has copied
            if not is_first:
                held.enter_context(Mirror(run, is_first=False))
            yield
    except Stopped:
        from_leader(None)
        raise
    from_leader(None)  # they wait until it has copied all, because they end together


class Mirror:
    """The folder of a run and its copy in a bucket.

    Attributes:
        folder: Where training works.
    """

    def __init__(self, url: str, *, is_first: bool = True) -> None:
        """Copies nothing yet; a process that is not the first one copies its logs alone."""
        self._is_first = is_first
        self.url, self.folder = url, run_folder(url)
        self._lease = Lease(str(placed(url, _LEASE)), option="training.run", place=url)
        # What versions.json held when it was copied, which tells whether others wrote since.
        self._mark = self.folder.with_name(f"{self.folder.name}.mark")
        self._sent: dict[str, tuple[int, int]] = {}
        self._steps: dict[tuple[str, int], str] = {}
        self._one = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="mirror", daemon=True)

    def __enter__(self) -> "Mirror":
        if self._is_first:
            self._lease.__enter__()
        try:
            self._bring()
        except BaseException:
            self._release()
            raise
        if self._is_first:
            print(
                f"training.run={self.url} is trained in {self.folder}, and copied every "
                f"{COPY_SECONDS:g} s",
                file=sys.stderr,
            )
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self._ending.set()
        self._thread.join()
        try:
            self.send()
        except UserError as refusal:
            if kind is None:
                raise
            print(f"error: {refusal}", file=sys.stderr)  # beside what ended it
        finally:
            self._release()

    def _release(self) -> None:
        if self._is_first:
            self._lease.__exit__()

    def _bring(self) -> None:
        """Makes the folder what the bucket holds, if it is not that or ahead of it."""
        copied = RunCopy(self.url, self.folder)
        if not self._is_first or not self._is_ahead_of(copied):
            copied.begin_anew()
            self._mark.unlink(missing_ok=True)
            copied.bring_files()
            if not self._is_first:
                copied.bring_files(folder="logs/")  # its own goes on
            for series in SERIES:
                copied.bring_a_whole_step([series], shown=False)
        for series in SERIES if self._is_first else ():
            for step in copied.steps(series):
                with suppress(FileNotFoundError):
                    there = placed(self.url, "checkpoints", series, str(step), COMMIT)
                    self._steps[series, step] = _digest(read(str(there)))

    def _is_ahead_of(self, copied: RunCopy) -> bool:
        """Says whether the bucket holds what was copied from here last, or nothing was ever."""
        mark = self._mark.read_text(encoding="utf-8") if self._mark.is_file() else None
        if "config.yaml" not in copied.there:
            return mark is None  # else somebody has removed it
        newest, here = max(copied.steps("latest"), default=-1), self._committed("latest")
        folder = self.folder / "checkpoints" / "latest" / str(newest)
        if newest > max(here, default=-1) or (newest in here and damage_of(folder, _WHOLE)):
            return False
        has_versions = "versions.json" in copied.there
        versions = read(str(placed(self.url, "versions.json"))) if has_versions else b""
        return mark == _digest(versions)

    def _copy(self) -> None:
        told = ""
        while not self._ending.wait(COPY_SECONDS):
            try:
                self.send()
            except UserError as refusal:
                if str(refusal) != told:
                    print(f"note: {refusal}", file=sys.stderr)
                told = str(refusal)

    def send(self) -> None:
        """Copies what is new, and removes checkpoints that were removed here.

        Raises:
            UserError: When the bucket cannot be written to, or another process has taken the run.
        """
        if self._lease.is_lost:
            raise UserError(
                f"training.run={self.url} was taken over by another process, so nothing more is "
                f"copied there; what was trained here is in {self.folder}"
            )
        with self._one:
            # Listed before the log is copied, which then has all lines up to these steps.
            steps = {series: self._committed(series) for series in SERIES if self._is_first}
            try:
                self._send_files()
                for series, found in steps.items():
                    self._send_steps(series, found)
            except UserError as refusal:
                raise UserError(
                    f"{refusal}; all of it is in {self.folder}, from which the same command on "
                    "this machine goes on"
                ) from refusal

    def _send_files(self) -> None:
        files = [
            path
            for place in (self.folder.iterdir() if self.folder.is_dir() else ())
            if self._is_mine(place.name)
            for path in ([place] if place.is_file() else place.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        ]
        # A folder with a config is a run.
        for path in sorted(files, key=lambda path: path.name == "config.yaml"):
            name = path.relative_to(self.folder).as_posix()
            with suppress(FileNotFoundError):
                about = path.stat()
                now = about.st_mtime_ns, about.st_size
                if self._sent.get(name) != now:
                    send(path, str(placed(self.url, name)))
                    self._sent[name] = now
        if "config.yaml" in self._sent:
            versions = self.folder / "versions.json"
            write_text(self._mark, _digest(versions.read_bytes() if versions.is_file() else b""))

    def _is_mine(self, name: str) -> bool:
        """Says whether what lies in the folder by this name is copied by this process."""
        if not self._is_first:
            return name == "logs"
        return not name.startswith(".") and name not in ("checkpoints", "logs")

    def _committed(self, series: str) -> dict[int, str]:
        """Returns the checkpoints that are whole here, and what tells one from another."""
        found = {}
        for path in (self.folder / "checkpoints" / series).glob(f"*/{COMMIT}"):
            if path.parent.name.isdecimal():
                with suppress(FileNotFoundError):
                    found[int(path.parent.name)] = _digest(path.read_bytes())
        return found

    def _send_steps(self, series: str, found: dict[int, str]) -> None:
        new = [step for step in sorted(found) if self._steps.get((series, step)) != found[step]]
        for step in new:
            with suppress(FileNotFoundError):  # it has made room for a newer one
                self._send_step(self.folder / "checkpoints" / series / str(step))
                self._steps[series, step] = found[step]
        if any(self._steps.get((series, step)) == found[step] for step in new):
            for _, step in [key for key in self._steps if key[0] == series]:
                if step not in found:
                    self._remove_step(series, step)
                    del self._steps[series, step]

    def _send_step(self, folder: Path) -> None:
        series, step = folder.parent.name, int(folder.name)
        self._remove_step(series, step)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path == folder / COMMIT):
            send(path, str(placed(self.url, path.relative_to(self.folder).as_posix())))

    def _remove_step(self, series: str, step: int) -> None:
        """Removes what makes a checkpoint valid, and then the rest."""
        url = str(placed(self.url, "checkpoints", series, str(step)))
        remove(str(placed(url, COMMIT)))
        remove(url)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
