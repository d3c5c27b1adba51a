"""Shards that lie in a bucket: each record is copied to this machine when it is first read.

The copy of a shard is a file of the same length with holes, in the cache. Whether a record is there
its own checksums tell, those of a TFRecord: a hole, a copy that a kill cut short and a damaged one
are fetched anew. So several processes may fill one file at the same time without a lock, since all
write the same bytes to the same place, and a host holds what its own lanes have read.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llavataros_jax.data.manifest import Manifest
from llavataros_jax.data.records import Shard
from llavataros_jax.errors import UserError
from llavataros_jax.storage.cache import cache_folder
from llavataros_jax.storage.place import Place, is_remote, placed
from llavataros_jax.storage.remote import files_of, read


def open_shards(records: Place, manifest: Manifest) -> dict[str, Shard]:
    """Returns the shards of a folder of records by name; their bytes are read when they are needed.

    Raises:
        UserError: When one is not there.
    """
    offsets: dict[str, list[int]] = {}
    for clip in manifest.clips:
        offsets.setdefault(clip.shard, []).append(clip.offset)
    shards: dict[str, Shard] = {}
    if not is_remote(records):
        shards = {name: Shard(Path(records, name)) for name in offsets}
        missing = [name for name, shard in shards.items() if not shard.path.is_file()]
    else:
        url, there = str(records), files_of(str(records))
        copies = cache_folder("records", manifest.content_hash)
        missing = [name for name in offsets if name not in there]
        if not missing:
            shards = {
                name: RemoteShard(str(placed(url, name)), copies / name, begins, there[name].size)
                for name, begins in offsets.items()
            }
    if missing:
        raise UserError(
            f"records {placed(records, missing[0])} do not exist although the manifest names them; "
            "prepare the data again"
        )
    return shards


class RemoteShard(Shard):
    """A TFRecord file behind a URL, with a copy of the records that were read.

    Attributes:
        ends: Where the record ends that begins at an offset.
        size: Bytes of the shard.
    """

    def __init__(self, url: str, copy: Path, offsets: Iterable[int], size: int) -> None:
        super().__init__(copy)
        self.name, self.size = url, size
        begins = sorted(offsets)
        self.ends = dict(zip(begins, [*begins[1:], size], strict=True))

    def size_of(self, offset: int) -> int:
        """Returns the bytes of the record at `offset`."""
        return self.ends[offset] - offset

    def read(self, offset: int, *, verify: bool = True) -> dict[str, Any]:
        """Returns a record as `Shard.read`, and fetches it before if it is not here.

        Raises:
            UserError: When it cannot be fetched or copied, or is damaged where it comes from.
        """
        if offset in self._checked:
            return super().read(offset, verify=verify)
        try:
            return super().read(offset)
        except UserError:
            self._copy(offset)
        try:
            return super().read(offset)
        except UserError:
            self._map = None  # of a file that somebody has removed meanwhile
            return super().read(offset)

    def _copy(self, offset: int) -> None:
        try:
            record = read(self.name, offset, self.ends[offset])
        except FileNotFoundError:
            raise UserError(
                f"records {self.name} do not exist although the manifest names them; prepare the "
                "data again"
            ) from None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if os.fstat(file).st_size < self.size:
                    os.truncate(file, self.size)
                while record:
                    done = os.pwrite(file, record, offset)
                    record, offset = record[done:], offset + done
            finally:
                os.close(file)
        except OSError as problem:
            raise UserError(
                f"the copy of {self.name} cannot be written to {self.path} ({problem.strerror}); "
                "free some space, or name another folder by LLAVATAROS_CACHE"
            ) from problem
