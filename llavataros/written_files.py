"""The files of one animation: what may be written where, and the record of what was.

`NAME.json` beside the results is their record. It names every file with a hash of its bytes, so
that a later animation replaces only what this program wrote and nobody has changed since, and
preparation never takes the model's own output for a recording.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.machine.fingerprint import file_hash
from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError

WRITTEN_BY = "llavataros animate"


@dataclass(frozen=True)
class WrittenFiles:
    """Where an animation goes.

    Attributes:
        folder: The folder.
        stem: Name of all files, without suffix.
        suffixes: What is written besides the record, in order.
        record_suffix: Of the record.
        written_by: The command that writes.
    """

    folder: Path
    stem: str
    suffixes: tuple[str, ...]
    record_suffix: str = ".json"
    written_by: str = WRITTEN_BY

    @property
    def record(self) -> Path:
        """The record of what was written."""
        return self.path(self.record_suffix)

    @property
    def paths(self) -> list[Path]:
        """The results."""
        return [self.path(suffix) for suffix in self.suffixes]

    def path(self, suffix: str) -> Path:
        """Returns the result of a kind."""
        # Not `with_suffix`, which would cut what stands after a dot in the recording's name.
        return self.folder / f"{self.stem}{suffix}"

    def check(self, recording: Path | None = None) -> None:
        """Refuses to replace what this program did not write, before any work is done.

        Nor is the animation of another recording than `recording` replaced, as `talk_2.npy` of
        `talk_2.wav` would be by the second sample of `talk.wav`.

        Raises:
            UserError: When a file is in the way.
        """
        place = self.folder.resolve()
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise UserError(f"--out {self.folder} cannot be a folder: {place} is a file")
        if not os.access(place, os.W_OK | os.X_OK):
            raise UserError(f"--out {self.folder} cannot be written: {place} is write-protected")
        record = read_record(self.record, self.written_by)
        known: dict[str, Any] = {} if record is None else record["files"]
        animated = None if record is None else record.get("audio")
        if recording and isinstance(animated, str) and Path(animated).stem != recording.stem:
            raise UserError(
                f"{self.record} belongs to the animation of {animated}, which that of {recording} "
                "does not replace; choose another --out"
            )
        for path in [*self.paths, self.record]:
            if not path.exists():
                continue
            is_ours = record is not None and (path == self.record or path.name in known)
            if not is_ours:
                raise UserError(
                    f"{path} exists and was not written by {self.written_by}, so it is not "
                    "replaced; choose another --out, or move that file"
                )
            expected = known.get(path.name)
            if expected is not None and file_hash(path) != expected:
                raise UserError(
                    f"{path} was changed after {self.written_by} wrote it, so it is not replaced; "
                    "choose another --out, or move that file"
                )

    def begin(self) -> None:
        """Says in the record which files are coming, so that a killed run may be repeated."""
        self._write({path.name: None for path in self.paths}, {"finished": False})

    def finish(self, facts: dict[str, Any]) -> None:
        """Completes the record with the files' hashes and with `facts` about them."""
        self._write({path.name: file_hash(path) for path in self.paths}, facts)

    def _write(self, files: dict[str, str | None], facts: dict[str, Any]) -> None:
        write_json(self.record, {"written_by": self.written_by, "files": files, **facts})


def read_record(path: Path, written_by: str = WRITTEN_BY) -> dict[str, Any] | None:
    """Returns what a record of a command says, or None when the file is none of its own."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(tree, dict):
        return None
    if tree.get("written_by") == written_by and isinstance(tree.get("files"), dict):
        return tree
    if {"parameters_blake2b", "arguments", "checkpoint"} <= tree.keys():
        # Written before records named their files: all of that name were the program's.
        names = (f"{path.stem}{suffix}" for suffix in (".npy", ".bvh", ".mov", ".mp4"))
        return {"files": dict.fromkeys(names)}
    return None
