"""What is spoken in the text of a caption, without tags, sounds and names of speakers."""

import html
import re

_TAGS = re.compile(r"<[^<>]{0,200}>|\{[^{}]{0,400}\}")
_SOUNDS = re.compile(
    r"\[[^\[\]]{0,200}\]|\([^()]{0,200}\)|【[^【】]{0,200}】|（[^（）]{0,200}）|[♪♫#*]"
)
_SPEAKER = re.compile(r"^\s*(?:[-–—]\s*|>>+\s*)*(?:[A-Z][A-Z0-9 .'’-]{0,30}:\s+)?")


def spoken_lines(text: str) -> list[str]:
    """Returns the lines of a caption in which something is said."""
    plain = html.unescape(_TAGS.sub("", text)).replace("\\N", "\n").replace("\\n", "\n")
    lines = [_SPEAKER.sub("", line) for line in plain.split("\n")]
    spoken = _SOUNDS.sub(" ", "\n".join(lines)).split("\n")
    return [" ".join(line.split()) for line in spoken if line.strip()]
