"""A stereo recording of two people as two recordings."""

from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import BLOCK_SECONDS
from llavataros_jax.sound.source import open_source


def split_channels(path: Path | str, folder: Path | str) -> tuple[Path, Path]:
    """Writes the two sides of a recording as files of their own; the same sound gives same bytes.

    Both are as long as the recording and as late as it is; nothing is resampled.

    Args:
        path: The recording.
        folder: Where they are written, as `NAME.left.wav` and `NAME.right.wav`.

    Returns:
        The left and the right side.

    Raises:
        UserError: When it cannot be read, or has not two channels.
    """
    path, folder = Path(path), Path(folder)
    source = open_source(path)
    if source.channels != 2:
        count = "one channel" if source.channels == 1 else f"{source.channels} channels"
        raise UserError(
            f"{path} has {count}, so it cannot be split into two people; give a stereo recording "
            "with one of them on each side"
        )
    import soundfile

    # Wave64 has no limit of 4 GB and, unlike WAV of floats, no time of writing in it.
    sides = tuple(folder / f"{path.stem}.{side}.wav" for side in ("left", "right"))
    files = [
        soundfile.SoundFile(str(side), "w", source.sample_rate, 1, "FLOAT", format="W64")
        for side in sides
    ]
    with files[0], files[1]:
        for block in source.blocks(BLOCK_SECONDS):
            for channel, file in enumerate(files):
                file.write(block[:, channel])
    return sides[0], sides[1]
