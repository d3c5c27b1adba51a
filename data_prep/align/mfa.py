"""Forced alignment by the Montreal Forced Aligner, a program with an environment of its own."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from data_prep.align.aligner import Alignment, Utterance
from data_prep.align.mfa_folder import (
    CORPUS,
    LOG_NAME,
    OUT,
    TEMPORARY,
    clear,
    folder_for_one_run,
)
from data_prep.align.mfa_models import choose_models
from data_prep.align.mfa_textgrid import lab_text, read_mfa_words
from data_prep.words.language import language_code
from data_prep.words.note import Note
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

_LAST_LINES = 4
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class MfaAligner:
    """Aligns with the program `words.mfa`; see `data_prep.align.aligner.Aligner`."""

    name = "mfa"

    def __init__(self, config: WordsConfig) -> None:
        self._config = config
        self._language = language_code(config.language)

    def missing(self) -> str | None:
        """Tells of a missing program, or of models that are not downloaded."""
        if shutil.which(self._config.mfa) is None:
            return (
                f"the program words.mfa={self._config.mfa} is not found; install it with "
                "`conda create -n mfa -c conda-forge montreal-forced-aligner` and give its path"
            )
        try:
            return choose_models(self._config).missing()
        except UserError as refusal:
            return str(refusal)

    def identity(self) -> dict[str, Any]:
        """Returns dictionary and acoustic model."""
        return choose_models(self._config).identity()

    def align(self, audio_path: Path, words: list[str], note: Note) -> list[Word]:
        """Aligns one recording; many go faster through `align_corpus`."""
        utterance = Utterance("utterance", "speaker", audio_path, tuple(words))
        with folder_for_one_run() as folder:
            found = self.align_corpus([utterance], folder)[utterance.name]
            if found.problem:
                raise UserError(found.problem)
        for message in found.notes:
            note(message)
        return list(found.words)

    def align_corpus(self, utterances: Sequence[Utterance], folder: Path) -> dict[str, Alignment]:
        """Aligns recordings in one run of the program; one that fails does not stop the others.

        Args:
            utterances: Recordings and their words.
            folder: Where the corpus is laid out for the time of the run, and the log stays.

        Raises:
            UserError: When the program is missing or ends with an error.
        """
        models = choose_models(self._config)
        folder.mkdir(parents=True, exist_ok=True)
        corpus, out, temporary = (folder / name for name in (CORPUS, OUT, TEMPORARY))
        clear(folder)  # of what a killed run left
        try:
            places, problems = _write_corpus(corpus, utterances, self._language)
            if not places:
                return problems
            jobs = self._config.mfa_jobs or os.cpu_count() or 1
            options = ["--clean", "--overwrite", "--no_use_postgres", "--num_jobs", str(jobs)]
            options += ["--output_format", "long_textgrid", "--temporary_directory", str(temporary)]
            inputs = [str(corpus), models.dictionary, models.acoustic, str(out)]
            self._run(["align", *options, *inputs], log=folder / LOG_NAME)
            return problems | {
                utterance.name: self._read(utterance, out / place, log=folder / LOG_NAME)
                for utterance, place in places
            }
        finally:
            clear(folder)

    def _run(self, arguments: list[str], *, log: Path) -> None:
        program = shutil.which(self._config.mfa)
        if program is None:
            raise UserError(f"words.aligner=mfa: {self.missing()}")
        # Its environment's other programs lie beside it.
        search_path = os.pathsep.join([str(Path(program).resolve().parent), os.environ["PATH"]])
        with log.open("wb") as file:
            try:
                process = subprocess.Popen(
                    [program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=os.environ | {"PATH": search_path},
                    start_new_session=True,
                )
            except OSError as problem:
                raise UserError(
                    f"words.mfa={self._config.mfa} cannot be run ({problem.strerror})"
                ) from problem
            code = _end_of(process)
        if code:
            raise UserError(
                f"{self._config.mfa} align ended with code {code}: "
                f"{_last_lines(log)} (all it said is in {log})"
            )

    def _read(self, utterance: Utterance, path: Path, *, log: Path) -> Alignment:
        """Reads what the program wrote about one utterance."""
        if not path.is_file():
            return Alignment(
                problem=f"mfa wrote no TextGrid for {utterance.audio}, so it could not align its "
                f"{len(utterance.words)} words; check that the transcript is what is said ({log})"
            )
        try:
            words, unknown = read_mfa_words(path, utterance.words, self._language)
        except UserError as refusal:
            return Alignment(problem=f"{refusal} (recording {utterance.audio})")
        notes = []
        if unknown:
            notes.append(f"outside MFA's dictionary: {', '.join(unknown)}")
        return Alignment(tuple(words), tuple(notes))


def _end_of(process: subprocess.Popen[bytes]) -> int:
    """Waits for a program; when this one is stopped, so are it and all that it started."""
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _write_corpus(
    corpus: Path, utterances: Sequence[Utterance], language: str
) -> tuple[list[tuple[Utterance, Path]], dict[str, Alignment]]:
    """Lays out `speaker/utterance.wav` and `.lab`, and returns where each TextGrid will be.

    Names are numbered, because two may differ only in what a file system or MFA leaves out. A
    recording that cannot be read to its end is left out, and told of by name.
    """
    speakers = {name: row for row, name in enumerate(sorted({u.speaker for u in utterances}))}
    places, problems = [], {}
    for number, utterance in enumerate(utterances):
        row = speakers[utterance.speaker]
        folder = corpus / f"{row:03d}_{_safe(utterance.speaker)}"
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"{number:05d}_{_safe(utterance.name)}"
        try:
            with soundfile.SoundFile(f"{stem}.wav", "w", SPEECH_RATE, 1, "PCM_16") as file:
                for block in blocks(utterance.audio, SPEECH_RATE):
                    file.write(block.clip(-1, 1))
        except UserError as refusal:
            Path(f"{stem}.wav").unlink(missing_ok=True)
            problems[utterance.name] = Alignment(problem=str(refusal))
            continue
        Path(f"{stem}.lab").write_text(lab_text(utterance.words, language), encoding="utf-8")
        places.append((utterance, Path(f"{stem}.TextGrid").relative_to(corpus)))
    return places, problems


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[-60:]


def _last_lines(log: Path) -> str:
    text = _ESCAPES.sub("", log.read_text(encoding="utf-8", errors="replace"))
    lines = [" ".join(line.split()) for line in re.split(r"[\r\n]+", text)]
    return " | ".join([line for line in lines if line][-_LAST_LINES:]) or "it said nothing"
