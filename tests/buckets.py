"""A bucket in memory, which counts what is read of it."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

BUCKET = "counted://bucket"


class CountedFiles(MemoryFileSystem):
    """Files in memory behind URLs such as counted://bucket/file; none are shared with others."""

    protocol = "counted"
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    reads: list = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("counted://"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **given):
        data = super().cat_file(path, start=start, end=end, **given)
        self.reads.append((self._strip_protocol(path).rpartition("/")[2], start, len(data)))
        return data


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountedFiles]:
    """Returns an empty bucket, with an empty cache for it."""
    fsspec.register_implementation("counted", CountedFiles, clobber=True)
    monkeypatch.setenv("LLAVATAROS_CACHE", str(tmp_path / "cache"))
    yield fsspec.filesystem("counted")
    for kept in (CountedFiles.store, CountedFiles.reads):
        kept.clear()
    CountedFiles.pseudo_dirs[:] = [""]


def upload(files: CountedFiles, folder: Path, url: str) -> None:
    """Copies a folder into a bucket."""
    files.put(f"{folder}/", f"{url}/", recursive=True)
