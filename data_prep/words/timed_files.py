"""Words that the user has already timed, in any of the forms of `data_prep.words.forms`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from data_prep.words.forms.document import open_document
from data_prep.words.forms.table import form_of, known_form
from data_prep.words.note import Note
from data_prep.words.placement import place_words
from data_prep.words.timed_text import TimedText
from data_prep.words.word import Word
from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError


def read_timed_words(path: Path | str, audio_seconds: float) -> list[Word]:
    """Reads timed words; those of cues share the span of their cue. See `read_timed_text`.

    Raises:
        UserError: As `read_timed_text` does.
    """
    return list(read_timed_text(path, audio_seconds).words)


def read_timed_text(
    path: Path | str,
    audio_seconds: float,
    *,
    speaker: str | None = None,
    tier: str | None = None,
    note: Note = lambda message: None,
) -> TimedText:
    """Reads timed words and cues in whatever form the file's content has.

    A file that says that nothing is said has no words, as that of somebody who only listens.

    Args:
        path: The file.
        audio_seconds: Length of the recording, by which units of time are told apart.
        speaker: Whose words are wanted, where a file has a tier for each speaker.
        tier: The tier to read, where a file has several.
        note: Is told what was done to words without times, out of order or in another unit.

    Raises:
        UserError: When the file is missing, without any bytes, of an unknown form or malformed,
            when its times are negative or out of order, or when it ends after the audio.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"timed words {path} do not exist; check the path")
    if not path.stat().st_size:
        raise UserError(f"{path} is empty (0 bytes); export it again")
    document = open_document(path, speaker=speaker, tier=tier)
    form = known_form(document)
    if tier is not None and not form.has_tiers:
        note(f"words.tier={tier} has no effect on {path.name}, which has no tiers")
    return place_words(form.read(document), audio_seconds, path, note)


def holds_timed_words(path: Path) -> bool:
    """Tells by its content whether a file is of a form of timed words."""
    try:
        return form_of(open_document(path)) is not None
    except UserError:
        return False


def write_words(path: Path | str, words: Sequence[Word]) -> None:
    """Writes words atomically as JSON that `read_timed_words` reads back to equal ones."""
    write_json(Path(path), {"words": [asdict(word) for word in words]})
