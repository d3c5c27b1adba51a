"""All forms of timed words, each with how it is told by its content and its reader."""

from collections.abc import Callable
from dataclasses import dataclass

from data_prep.words.forms import (
    assemblyai,
    azure,
    captions,
    columns,
    ctm,
    deepgram,
    elevenlabs,
    fragments,
    gentle,
    google,
    hugging_face,
    interval_lines,
    item_json,
    lyrics,
    mfa_json,
    plain_json,
    polly,
    substation,
    textgrid,
    vosk,
    watson,
    whisper,
    whisper_cpp,
    youtube,
)
from data_prep.words.forms.document import Document
from data_prep.words.forms.entry import Reading
from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class Form:
    """A form of timed words.

    Attributes:
        name: What it is called in a refusal.
        is_one: Tells a file of this form by its content.
        read: Reads it.
        has_tiers: Whether it may hold several tiers or speakers, of which one is chosen.
    """

    name: str
    is_one: Callable[[Document], bool]
    read: Callable[[Document], Reading]
    has_tiers: bool = False


_TEXTGRID = Form("TextGrid", textgrid.is_textgrid, textgrid.read_textgrid, has_tiers=True)
_PLAIN = Form("a list [{word, start, end}, …]", plain_json.has_words, plain_json.read_plain_json)
_CTM = Form("CTM", ctm.is_ctm, ctm.read_ctm)
_CAPTIONS = Form("SRT, VTT and SBV", captions.has_captions, captions.read_captions)
_INTERVALS = Form(
    "lines of start, end, text (Audacity, GENEA, HTK)",
    interval_lines.has_intervals,
    interval_lines.read_intervals,
)

# Those that begin as JSON does and are none; then the first that fits, the most particular first.
TEXT_FORMS = (
    _TEXTGRID,
    _CAPTIONS,
    Form("ASS", substation.is_substation, substation.read_substation),
    Form("LRC", lyrics.is_lyrics, lyrics.read_lyrics),
)
JSON_FORMS = (
    Form("MFA", mfa_json.is_mfa, mfa_json.read_mfa_json, has_tiers=True),
    Form("Amazon Transcribe", item_json.is_aws_transcribe, item_json.read_aws_transcribe),
    Form("Speechmatics", item_json.is_speechmatics, item_json.read_speechmatics),
    Form("Rev", item_json.has_monologues, item_json.read_monologues),
    Form("Deepgram", deepgram.is_deepgram, deepgram.read_deepgram),
    Form("Google", google.is_google, google.read_google),
    Form("Azure", azure.is_azure, azure.read_azure),
    Form("IBM Watson", watson.is_watson, watson.read_watson),
    Form("ElevenLabs", elevenlabs.is_elevenlabs, elevenlabs.read_elevenlabs),
    Form("Amazon Polly", polly.is_polly, polly.read_polly),
    Form("Vosk", vosk.is_vosk, vosk.read_vosk),
    Form("Gentle", gentle.is_gentle, gentle.read_gentle),
    Form("Hugging Face", hugging_face.has_chunks, hugging_face.read_chunks),
    Form("whisper.cpp", whisper_cpp.is_whisper_cpp, whisper_cpp.read_whisper_cpp),
    Form("YouTube", youtube.is_youtube, youtube.read_youtube),
    Form("aeneas", fragments.is_sync_map, fragments.read_sync_map),
    Form("AssemblyAI", assemblyai.is_assemblyai, assemblyai.read_assemblyai),
    Form("Whisper and WhisperX", whisper.has_segments, whisper.read_segments),
    _PLAIN,
)
LINE_FORMS = (
    Form("STM", ctm.is_stm, ctm.read_stm, has_tiers=True),
    _CTM,
    _INTERVALS,
    Form("CSV and TSV", columns.has_columns, columns.read_columns, has_tiers=True),
)
FORMS = (*TEXT_FORMS, *JSON_FORMS, *LINE_FORMS)

# Whose sentence says what is wrong with a file that is none of them.
_BY_SUFFIX = {
    ".textgrid": _TEXTGRID, ".ctm": _CTM, ".tsv": _INTERVALS, ".srt": _CAPTIONS, ".vtt": _CAPTIONS
}  # fmt: skip


def form_of(document: Document) -> Form | None:
    """Finds the form of a file by its content; None when it is none that is known.

    Raises:
        UserError: When it begins as JSON and is malformed.
    """
    for form in TEXT_FORMS:
        if form.is_one(document):
            return form
    forms = JSON_FORMS if document.tree is not None else LINE_FORMS
    return next((form for form in forms if form.is_one(document)), None)


def known_form(document: Document) -> Form:
    """Finds the form of a file.

    Raises:
        UserError: When it is none that is known, with the list of those that are.
    """
    suffix = document.path.suffix.lower()
    form = form_of(document) or _BY_SUFFIX.get(suffix)
    if form is not None:
        return form
    texts = ", ".join(form.name for form in (*TEXT_FORMS, *LINE_FORMS))
    trees = ", ".join(form.name for form in JSON_FORMS)
    raise UserError(
        f"{document.path} is no form of timed words that is known; known are {texts}, and JSON of "
        f"{trees}; a CSV of word, start, end always works"
    )
