"""Writes all recordings of a folder down: `python -m data_prep.run.transcribe_folder --help`."""

import argparse
import dataclasses
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep.listen.transcribe import transcription_of
from data_prep.listen.whisper_model import missing_whisper
from data_prep.run.workers import run_all
from data_prep.sources.files import AUDIO_SUFFIXES
from llavataros_jax.atomic import write_json
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError, door


def transcribe_file(path: Path, *, folder: Path, out: Path, config: WordsConfig) -> str | None:
    """Writes transcript, language, words and notes of a recording as JSON, unless they are there.

    `data_prep.words.timed_files` reads the file. Returns why it could not be written.
    """
    target = (out / path.relative_to(folder)).with_suffix(".json")
    if target.exists():
        return None
    notes: list[str] = []
    try:
        found = transcription_of(path, config, note=notes.append)
    except UserError as refusal:
        return str(refusal)
    target.parent.mkdir(parents=True, exist_ok=True)
    tree = {"text": found.text, "language": found.language, "notes": notes}
    write_json(target, {**tree, "words": [dataclasses.asdict(word) for word in found.words]})
    return None


PROGRAM = "python -m data_prep.run.transcribe_folder"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Runs Whisper over a folder; each process loads the weights once."""
    options = build_parser(prog).parse_args(arguments)
    if not options.folder.is_dir():
        raise UserError(f"{options.folder} is not a folder; give the one with recordings")
    paths = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise UserError(f"{options.folder} holds no audio ({', '.join(AUDIO_SUFFIXES)})")
    config = WordsConfig(whisper=options.whisper, device=options.device, language=options.language)
    if missing := missing_whisper(config):
        raise UserError(missing)
    work = functools.partial(transcribe_file, folder=options.folder, out=options.out, config=config)
    failed = 0
    for index, problem in run_all(work, paths, workers=options.workers, label="transcribing"):
        if problem:
            failed += 1
            print(f"failed {paths[index]}: {problem}")
    print(f"{len(paths) - failed} of {len(paths)} recordings are written down in {options.out}")
    return 1 if failed else 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog, description="Write down what is said in all recordings of a folder."
    )
    parser.add_argument("folder", type=Path, help="folder of recordings")
    parser.add_argument("out", type=Path, help="folder that the JSON files go to")
    parser.add_argument("--whisper", required=True, help="path of the weights, or a size")
    parser.add_argument("--language", default="auto", help="such as en; auto finds out")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--workers", type=int, default=1, help="processes; 0 is one for each core")
    return parser


if __name__ == "__main__":
    sys.exit(main())
