"""Writes all recordings of a folder down: `python -m data_prep.run.transcribe_folder --help`."""

import argparse
import dataclasses
import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.align.heard import heard_words
from data_prep.clips.attempt import attempt
from data_prep.clips.stages import transcribed_words_stage
from data_prep.listen.choice import NoTranscriber, choose_transcriber
from data_prep.machine.fingerprint import content_hash, file_hash
from data_prep.run.processes import one_each_gpu
from data_prep.run.workers import run_all
from data_prep.sources.files import AUDIO_SUFFIXES, walk
from llavataros_jax.atomic import write_json
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError, door

_REMOVE = "remove it to have the recording written down anew"


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Attributes:
        problem: Why it could not be written down.
        kept: Why the file that was there already stays although it may be out of date.
    """

    problem: str | None = None
    kept: str | None = None


def transcribe_file(path: Path, *, folder: Path, out: Path, config: WordsConfig) -> Outcome:
    """Writes transcript, language, words and notes of a recording as JSON.

    A file that is there already stays if it is of the same recording, language and tools, or if it
    is not as this program wrote it: the user may have corrected it.
    `data_prep.words.timed_files` reads the file.

    Raises:
        ExhaustedError: When memory or open files are at an end.
    """
    target = (out / path.relative_to(folder)).with_suffix(".json")
    outcome, problem = attempt(lambda: _write(path, target, config))
    return outcome or Outcome(problem=problem)


def _write(path: Path, target: Path, config: WordsConfig) -> Outcome:
    made_from = transcribed_words_stage(file_hash(path), config).key
    if target.exists():
        before = _read(target)
        if before.get("made_from") == made_from:
            return Outcome()
        if "made_from" not in before:
            return Outcome(kept=f"{target} does not say what it was made from; {_REMOVE}")
        if before.get("contents") != _hash(before):
            return Outcome(kept=f"{target} was changed after it was written; {_REMOVE}")
    notes: list[str] = []
    found = heard_words(path, config, note=notes.append)
    tree = {
        "text": found.text,
        "language": found.language,
        "notes": notes,
        "words": [dataclasses.asdict(word) for word in found.words],
    }
    write_json(target, {**tree, "made_from": made_from, "contents": _hash(tree)})
    return Outcome()


def _read(path: Path) -> dict[str, Any]:
    """Returns what a file holds; nothing, if that is no JSON of ours."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _hash(tree: dict[str, Any]) -> str:
    return content_hash({name: tree.get(name) for name in ("text", "language", "notes", "words")})


def recordings_of(folder: Path) -> list[Path]:
    """Finds the sound files; of several of one name, that which preparation would take.

    Films that an animation wrote are left out.
    """
    found: dict[Path, Path] = {}
    sounds = [path for path in walk(folder) if path.suffix.lower() in AUDIO_SUFFIXES]
    for path in sorted(sounds, key=lambda path: AUDIO_SUFFIXES.index(path.suffix.lower())):
        found.setdefault(path.with_suffix(""), path)
    return sorted(found.values())


PROGRAM = "python -m data_prep.run.transcribe_folder"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Writes a folder down; each process loads Whisper's weights once."""
    options = build_parser(prog).parse_args(arguments)
    if not options.folder.is_dir():
        raise UserError(f"{options.folder} is not a folder; give the one with recordings")
    paths = recordings_of(options.folder)
    if not paths:
        raise UserError(f"{options.folder} holds no audio ({', '.join(AUDIO_SUFFIXES)})")
    config = WordsConfig(
        transcriber=options.transcriber,
        whisper=options.whisper,
        aligner=options.aligner,
        device=options.device,
        language=options.language or ("auto" if options.whisper else "en"),
    )
    transcriber = choose_transcriber(config)
    if isinstance(transcriber, NoTranscriber):
        raise UserError(f"nothing here can write {options.folder} down{transcriber.reason}")
    work = functools.partial(transcribe_file, folder=options.folder, out=options.out, config=config)
    failed = 0
    is_on_gpu = transcriber.name == "whisper" and options.device != "cpu"
    models = [f"--whisper={options.whisper or 'auto'}"] if is_on_gpu else []
    workers = one_each_gpu(
        options.workers, models, device=options.device, items=len(paths), say=print
    )
    for index, outcome in run_all(work, paths, workers=workers, label="transcribing"):
        if outcome.problem:
            failed += 1
            print(f"failed {paths[index]}: {outcome.problem}")
        if outcome.kept:
            print(f"kept as it is: {outcome.kept}")
    print(f"{len(paths) - failed} of {len(paths)} recordings are written down in {options.out}")
    return 1 if failed else 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog, description="Write down what is said in all recordings of a folder."
    )
    parser.add_argument("folder", type=Path, help="folder of recordings")
    parser.add_argument("out", type=Path, help="folder that the JSON files go to")
    parser.add_argument(
        "--transcriber",
        choices=("auto", "whisper", "pocketsphinx"),
        default="auto",
        help="auto: Whisper if there are weights, else PocketSphinx",
    )
    parser.add_argument("--whisper", help="a size such as base.en, or the path of the weights")
    parser.add_argument(
        "--aligner",
        choices=("auto", "mfa", "pocketsphinx", "whisper"),
        default="auto",
        help="what finds better times for Whisper's words",
    )
    parser.add_argument(
        "--language", help="such as en; auto, the default with --whisper, lets Whisper find out"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--workers", type=int, default=1, help="processes; 0 is one for each core")
    return parser


if __name__ == "__main__":
    sys.exit(main())
