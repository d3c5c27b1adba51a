"""Where the recording of a clip is, also after its folder was moved or put in order."""

import os
from pathlib import Path, PurePath

from llavataros_jax.errors import UserError


def find_recording(folder: Path | str, recording: str, *, option: str = "data.folder") -> Path:
    """Finds a clip's sound file: by its path, else by its name anywhere below the folder.

    Of several files of its name, the one counts whose own folders are most like those of
    `recording`.

    Args:
        folder: Folder of recordings.
        recording: `ClipEntry.recording`.
        option: The option that names the folder, for messages.

    Raises:
        UserError: When there is none, or several between which nothing tells.
    """
    folder = Path(folder)
    place = folder / recording
    if place.is_file():
        return place
    wanted = PurePath(recording).parts
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if wanted[-1] in names:
            found.append(Path(parent) / wanted[-1])
    if not found:
        raise UserError(
            f"{place} does not exist, nor does a file {wanted[-1]} anywhere below {folder}; name "
            f"the folder of recordings by {option}"
        )
    likeness = {path: _common_end(path.relative_to(folder).parts, wanted) for path in found}
    best = [path for path in found if likeness[path] == max(likeness.values())]
    if len(best) > 1:
        raise UserError(
            f"{place} does not exist, and {len(best)} files below {folder} are called "
            f"{wanted[-1]}, such as {best[0]} and {best[1]}; name the right folder by {option}"
        )
    return best[0]


def _common_end(parts: tuple[str, ...], wanted: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(reversed(parts), reversed(wanted), strict=False):
        if one != other:
            break
        count += 1
    return count
