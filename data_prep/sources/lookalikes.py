"""Files that by their suffix could be words or a transcript, but by their content are not."""

import re
from pathlib import Path

from data_prep.words.timed_files import holds_timed_words

_HEAD_BYTES = 16384
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
# BEAT: category of a gesture, start and end in seconds, score and word, with tabs between them.
_ANNOTATION = re.compile(rf"(?!{_NUMBER}\t)[^\t]+\t{_NUMBER}\t{_NUMBER}(?:\t.*)?")
# BEAT: ARKit's names of the face's shapes, and their weights on each frame.
_FACE_FRAMES = re.compile(r'"frames"\s*:\s*\[')
_FACE_SHAPES = re.compile(r'"(?:weights|jawOpen|browDownLeft|eyeBlinkLeft)"')


def lookalike(path: Path) -> str | None:
    """Says what a file is if it is neither words nor a transcript, as beside BEAT's takes."""
    suffix = path.suffix.lower()
    if suffix == ".csv":  # tables hold anything, so only those that are known are words
        return None if holds_timed_words(path) else "a table without words and times"
    if suffix not in (".txt", ".json"):
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_HEAD_BYTES)
    except OSError:
        return None  # whoever reads it will say so
    head = content.decode("utf-8-sig", errors="replace")
    if suffix == ".json":
        is_face = _FACE_FRAMES.search(head) and _FACE_SHAPES.search(head)
        return "movements of a face" if is_face else None
    lines = head.splitlines()
    if len(content) == _HEAD_BYTES:
        lines = lines[:-1]  # the last one is cut
    lines = [line for line in lines if line.strip()]
    is_table = bool(lines) and all(map(_ANNOTATION.fullmatch, lines))
    return "a table of annotations" if is_table else None
