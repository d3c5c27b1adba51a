"""The GENEA Challenge 2023: conversations of a main agent with an interlocutor.

`{split}/{main-agent,interloctr}/{wav,tsv,bvh}/{prefix}_{person}.*` with `{split}/metadata.csv`, or
one of the splits alone. Spec section 1.4.
"""

import csv
from collections import defaultdict
from pathlib import Path

from data_prep.clips.attempt import attempt
from data_prep.clips.clip import Clip
from data_prep.machine.fingerprint import file_hash
from data_prep.sources.files import (
    AUDIO_SUFFIXES,
    Files,
    find_speech,
    first,
    group_files,
    words_files,
)
from data_prep.sources.recordings import Recordings, with_table
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError

MAIN, OTHER = "main-agent", "interloctr"
TABLE_NAME = "metadata.csv"
TRAINING_FOLDER, VALIDATION_FOLDER = "trn", "val"


def split_folders(folder: Path) -> list[Path]:
    """Finds the folders that have one for the main agent: `folder` itself, or its splits."""
    places = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
    return [place for place in places if (place / MAIN).is_dir()]


def find_clips(data: DataConfig) -> Recordings:
    """Finds the main agents' performances with their interlocutors' speech.

    The challenge has each training conversation twice, with the roles exchanged; both are one take
    here. Where there is a folder `val` beside others, it is held out.

    Raises:
        UserError: When folders or the speakers' table are missing or malformed.
    """
    folder = Path(data.folder)
    places = split_folders(folder) if folder.is_dir() else []
    if not places:
        raise UserError(
            f"data.folder={data.folder} has no folder {MAIN}, itself or in {TRAINING_FOLDER} and "
            f"{VALIDATION_FOLDER}; give the folder of the GENEA 2023 data or another data.source"
        )
    outside = words_files(data.words_folder)
    clips: dict[str, Clip] = {}
    skipped: dict[str, str] = {}
    problems: dict[str, str] = {}
    held_out: set[str] = set()
    for place in places:
        speakers = _speakers(place / TABLE_NAME)
        mains, others = (
            _people(place, person, excluded=Path(data.records), skipped=skipped)
            for person in (MAIN, OTHER)
        )
        takes = _takes(mains, others)
        for prefix in sorted(mains):
            name = f"{prefix}_{MAIN}"
            audio, motion = first(mains[prefix], AUDIO_SUFFIXES), mains[prefix].get(".bvh")
            if audio is None or motion is None:
                lacking = "audio" if audio is None else "motion"
                skipped[name] = f"the main agent of {prefix} in {place} has no {lacking}"
                continue
            if prefix not in speakers:
                problems[name] = f"{place / TABLE_NAME} has no line for {prefix}"
                continue
            theirs = first(others.get(prefix, {}), AUDIO_SUFFIXES)
            if theirs is None:
                problems[name] = f"the interlocutor of {prefix} in {place / OTHER} has no audio"
                continue
            if place.name == VALIDATION_FOLDER and len(places) > 1:
                held_out.add(takes[prefix])
            pair = ((MAIN, audio, motion, mains[prefix]), (OTHER, theirs, None, others[prefix]))
            for speaker, (person, sound, moves, files) in zip(speakers[prefix], pair, strict=True):
                speech = find_speech([outside.get(f"{prefix}_{person}", {}), files])
                clips[f"{prefix}_{person}"] = Clip(
                    name=f"{prefix}_{person}",
                    take=takes[prefix],
                    speaker=speaker,
                    audio=sound,
                    motion=moves,
                    words=speech.words,
                    transcript=speech.transcript,
                    notes=speech.notes,
                    interlocutor=f"{prefix}_{OTHER}" if person == MAIN else None,
                )
    return with_table(clips, data, skipped=skipped, problems=problems, held_out=held_out)


def _people(
    place: Path, person: str, *, excluded: Path, skipped: dict[str, str]
) -> dict[str, Files]:
    """Finds the files of one role by the prefix of the conversation."""
    found: dict[str, Files] = defaultdict(dict)
    if (place / person).is_dir():
        groups = group_files(place / person, excluded=excluded, skipped=skipped)
        for stem, files in groups.items():
            found[stem.name.removesuffix(f"_{person}")].update(files)
    return dict(found)


def _takes(mains: dict[str, Files], others: dict[str, Files]) -> dict[str, str]:
    """Gives a conversation and the same one with exchanged roles the same take."""
    sounds = {
        prefix: (main, other)
        for prefix in sorted(mains)
        if (main := first(mains[prefix], AUDIO_SUFFIXES))
        and (other := first(others.get(prefix, {}), AUDIO_SUFFIXES))
    }
    # Sound files of the same two sizes are rare, so few have to be read.
    by_size: dict[tuple[int, ...], list[str]] = defaultdict(list)
    takes = {prefix: prefix for prefix in mains}
    for prefix, pair in sounds.items():
        sizes, _ = attempt(lambda pair=pair: tuple(path.stat().st_size for path in pair))
        if sizes is None:
            continue  # its stages will say it
        for twin in by_size[sizes[::-1]]:
            is_same, _ = attempt(lambda one=pair, two=sounds[twin]: _are_exchanged(one, two))
            if is_same:
                takes[prefix] = takes[twin]
        by_size[sizes].append(prefix)
    return takes


def _are_exchanged(one: tuple[Path, Path], two: tuple[Path, Path]) -> bool:
    return [file_hash(path) for path in one] == [file_hash(path) for path in two[::-1]]


def _speakers(path: Path) -> dict[str, tuple[str, str]]:
    """Reads the speakers of the main agent and of the interlocutor by the conversation's prefix."""
    if not path.is_file():
        raise UserError(f"{path} is missing; it says who speaks in which GENEA recording")
    columns = ("prefix", f"{MAIN}_id", f"{OTHER}_id")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise UserError(f"{path} is not a table of commas in UTF-8 ({problem})") from problem
    header = [cell.strip() for cell in rows[0]] if rows else []
    if not set(columns) <= set(header):
        raise UserError(
            f"{path} begins with the columns {', '.join(header) or '(none)'}; "
            f"{', '.join(columns)} must be among them"
        )
    places = [header.index(column) for column in columns]
    speakers: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise UserError(f"{path}: line {number} has {len(row)} cells, not {len(header)}")
        prefix, *ids = (row[place].strip() for place in places)
        if not prefix or not all(ids):
            raise UserError(f"{path}: line {number} lacks the prefix or a speaker's id")
        speakers[prefix] = (ids[0], ids[1])
    return speakers
