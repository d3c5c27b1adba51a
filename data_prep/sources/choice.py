"""Which source a folder of recordings is."""

from collections.abc import Callable
from pathlib import Path

from data_prep.sources import beat2, folder, genea, pairs
from data_prep.sources.recordings import Recordings
from llavataros_jax.config import DataConfig

SOURCES: dict[str, Callable[[DataConfig], Recordings]] = {
    "folder": folder.find_clips,
    "pairs": pairs.find_clips,
    "genea": genea.find_clips,
    "beat2": beat2.find_clips,
}


def find_recordings(data: DataConfig) -> Recordings:
    """Finds the clips of `data.folder` through the source that `data.source` names.

    Raises:
        UserError: When the folder is not what the source expects.
    """
    return SOURCES[source_of(data)](data)


def source_of(data: DataConfig) -> str:
    """Returns the name of the source; `auto` tells them apart by patterns and folders."""
    if data.source != "auto":
        return data.source
    if data.audio_glob is not None:
        return "pairs"
    place = Path(data.folder)
    if genea.split_folders(place):
        return "genea"
    return "beat2" if (place / beat2.MOTION_FOLDER).is_dir() else "folder"
