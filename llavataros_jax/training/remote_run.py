"""The folder of a run that lies in a bucket, copied to this machine as far as it is needed."""

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError
from llavataros_jax.storage.cache import folder_for
from llavataros_jax.storage.place import Place, is_remote, placed
from llavataros_jax.storage.remote import fetch, files_of
from llavataros_jax.training.checkpoint_damage import damage_of

SERIES = ("best", "latest")
# Orbax writes it into each step's folder; there it is copied last, and makes the step valid.
COMMIT = "_CHECKPOINT_METADATA"
_COPIED = ".copied.json"


def opened_run(run: Place) -> Path:
    """Returns the folder of a run; one in a bucket is copied, with one checkpoint that is whole.

    Only what changed since is copied anew. Of a checkpoint it is what animation needs.

    Raises:
        UserError: When there is no run, or it cannot be reached or copied.
    """
    if not is_remote(run):
        return Path(run)
    folder = folder_for("opened", str(run))
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        copied = RunCopy(str(run), folder)
        if "config.yaml" not in copied.there:
            raise UserError(
                f"{run} is no run directory: it has no config.yaml; give the URL that training "
                "wrote to (training.run)"
            )
        copied.forget_what_has_gone()
        copied.bring_files()
        if "weights.safetensors" not in copied.there:
            copied.bring_a_whole_step(SERIES, shown=True)
    return folder


class RunCopy:
    """A folder on this machine with copies of a run's files, and what is known of each.

    Attributes:
        there: The files in the bucket by name.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.there = url, folder, files_of(url)
        try:
            self._known = json.loads((folder / _COPIED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}

    def steps(self, series: str) -> list[int]:
        """Returns the steps of which the bucket has a whole checkpoint, the newest first."""
        names = (name.split("/") for name in self.there if name.endswith(f"/{COMMIT}"))
        found = (name[2] for name in names if name[:2] == ["checkpoints", series])
        return sorted((int(step) for step in found if step.isdecimal()), reverse=True)

    def begin_anew(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._known = {}

    def bring_files(self, *, folder: str = "") -> None:
        """Copies the files of a folder, at first those of the run: config, manifest, log."""
        inside = {name: name.removeprefix(folder) for name in self.there if name.startswith(folder)}
        for name, rest in inside.items():
            if "/" not in rest and not rest.startswith("."):
                with suppress(FileNotFoundError):  # whoever needs it will say so
                    self._bring([name])

    def bring_a_whole_step(self, series: Sequence[str], *, shown: bool, again: int = 3) -> None:
        """Copies checkpoints, the newest first, until one is whole.

        Args:
            series: Where to look, one after another.
            shown: Whether only the parameters are wanted that are shown of a run.
            again: How often to look anew when one goes meanwhile.
        """
        steps = [f"checkpoints/{name}/{step}" for name in series for step in self.steps(name)]
        for step in steps:
            try:
                if self._bring_step(step, shown=shown):
                    return
            except FileNotFoundError:  # it has made room for a newer one
                if again:
                    self.there = files_of(self.url)
                    self.bring_a_whole_step(series, shown=shown, again=again - 1)
                    return

    def forget_what_has_gone(self) -> None:
        """Removes copies of what is not there any more."""
        for name in SERIES:
            kept = {str(step) for step in self.steps(name)}
            series = self.folder / "checkpoints" / name
            for step in series.iterdir() if series.is_dir() else ():
                if step.name not in kept:
                    shutil.rmtree(step)
        for path in self.folder.iterdir():
            if path.is_file() and not path.name.startswith(".") and path.name not in self.there:
                path.unlink()

    def _bring_step(self, step: str, *, shown: bool) -> bool:
        """Copies a checkpoint and says whether it is whole; a damaged copy is made anew once."""
        names = [name for name in self.there if name.startswith(f"{step}/")]
        parts = {name.split("/")[3] for name in names if name.count("/") > 3} - {"metrics"}
        if shown:
            parts = {"average" if "average" in parts else "params"}
            unwanted = ("params/", "average/", "training/")
            names = [
                name
                for name in names
                if name.split("/")[3] in parts
                or not name.removeprefix(f"{step}/").startswith(unwanted)
            ]
        before = {name: self._known.get(name) for name in names}
        self._bring(names)
        if not damage_of(self.folder / step, parts):
            return True
        if any(before.values()):
            for name in names:
                self._known.pop(name, None)
            self._bring(names)
        return not damage_of(self.folder / step, parts)

    def _bring(self, names: Iterable[str]) -> None:
        for name in names:
            place, version = self.folder / name, self.there[name].version
            if self._known.get(name) != version or not place.is_file():
                fetch(str(placed(self.url, name)), place)
                self._known[name] = version
                write_json(self.folder / _COPIED, self._known)
