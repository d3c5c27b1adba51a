"""BEAT2: SMPL-X motion, speech and words of the same name, side by side or in folders by kind."""

import csv
from collections import defaultdict
from pathlib import Path

from data_prep.clips.clip import Clip
from data_prep.sources.files import AUDIO_SUFFIXES, Files, find_speech, first, walk, words_files
from data_prep.sources.recordings import Recordings, speaker_of, take_of, with_table
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError
from llavataros_jax.motion.smplx_arrays import is_smplx

MOTION_FOLDER = "smplxflame_30"
SPLITS_NAME = "train_test_split.csv"


def find_clips(data: DataConfig) -> Recordings:
    """Finds files by their names alone, such as `2_scott_0_1_1`, wherever below the folder.

    The second part of a name is the speaker. Sound and motion differ in length by up to seconds; as
    by the data set's own rule they are cut to the shorter. Where its `train_test_split.csv` is, its
    `val` is held out and its `test` left out.

    Raises:
        UserError: When the folder or SMPL-X motion in it is missing.
    """
    folder = Path(data.folder)
    if not folder.is_dir():
        raise UserError(f"data.folder={data.folder} is not a folder; give the one of BEAT2")
    groups: dict[str, Files] = defaultdict(dict)
    skipped: dict[str, str] = {}
    for path in walk(folder, excluded=Path(data.records), skipped=skipped):
        if path.suffix.lower() != ".npz" or is_smplx(path):
            groups[path.stem].setdefault(path.suffix.lower(), path)
    if not any(".npz" in files for files in groups.values()):
        raise UserError(
            f"data.folder={data.folder} has no SMPL-X motion (.npz with poses and trans); give the "
            "folder of BEAT2 or another data.source"
        )
    outside, splits = words_files(data.words_folder), _splits(folder)
    clips: dict[str, Clip] = {}
    for name, files in groups.items():
        audio, motion = first(files, AUDIO_SUFFIXES), files.get(".npz")
        if splits.get(name) == "test":
            skipped[name] = f"{SPLITS_NAME} keeps it for testing"
        elif audio is None:
            if motion is not None:
                skipped[name] = f"motion {motion} has no audio of the same name"
        else:
            speech = find_speech([outside.get(name, {}), files])
            parts = name.split("_")
            clips[name] = Clip(
                name=name,
                take=take_of(name),
                speaker=speaker_of(name, parts[1] if len(parts) > 2 else None),
                audio=audio,
                motion=motion,
                words=speech.words,
                transcript=speech.transcript,
                is_cut_to_shorter=True,
                notes=("its bones are those of a neutral body, not the speaker's", *speech.notes),
            )
    held_out = {
        clips[name].take for name, split in splits.items() if split == "val" and name in clips
    }
    return with_table(clips, data, skipped=skipped, held_out=held_out)


def _splits(folder: Path) -> dict[str, str]:
    """Reads which clips the data set sets aside."""
    path = folder / SPLITS_NAME
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = tuple(reader.fieldnames or ()), list(reader)
    except (UnicodeDecodeError, csv.Error) as problem:
        raise UserError(f"{path} is not a table of commas in UTF-8 ({problem})") from problem
    if not {"id", "type"} <= set(columns):
        raise UserError(
            f"{path} begins with the columns {', '.join(columns) or '(none)'}; id and type must be "
            "among them"
        )
    return {row["id"]: row["type"] for row in rows}
