"""What comes in becomes messages, or a refusal that names what is wrong."""

import math
import struct
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from llavataros.serve.codes import Code, Refusal
from llavataros.serve.messages import ANY_CLIENT_MESSAGE, VERSION, ClientMessage

# Kind, person, nothing, and the position of its first sample or packet.
HEADER = struct.Struct("<BBHI")
AUDIO = 1
# The nesting of messages of TTS services, and some more.
_MOST_DEPTH = 32
_MOST_SHOWN = 80


@dataclass(frozen=True)
class Sound:
    """A piece of sound as it came.

    Attributes:
        person: Whose it is.
        position: Samples or packets of theirs that came before, by the client's count.
        payload: The bytes after the header.
    """

    person: int
    position: int
    payload: bytes


def read_message(text: str, *, most_bytes: int) -> ClientMessage:
    """Reads a JSON message.

    Raises:
        Refusal: When it is too long, no JSON, too deep, or no message of the protocol.
    """
    try:
        data = text.encode()
        if len(data) > most_bytes:
            raise Refusal(Code.TOO_LARGE, f"a message of {len(data)} bytes has over {most_bytes}")
        tree = from_json(data)
    except ValueError as problem:  # of Unicode too
        raise Refusal(Code.MALFORMED, f"a message is no JSON: {_short(problem)}") from None
    if not isinstance(tree, dict):
        raise Refusal(Code.MALFORMED, "a message must be a JSON object with a type")
    _check_tree(tree, _MOST_DEPTH)
    _check_version(tree)
    try:
        return ANY_CLIENT_MESSAGE.validate_python(tree)
    except ValidationError as problem:
        raise _refusal(problem.errors(include_url=False)[0]) from None


def read_sound(data: bytes, *, most_bytes: int, people: int, is_pcm: bool) -> Sound:
    """Reads a binary message.

    Raises:
        Refusal: When it is too short or long, or its header is none of a piece of sound.
    """
    if len(data) > most_bytes:
        raise Refusal(Code.TOO_LARGE, f"a message of {len(data)} bytes has over {most_bytes}")
    if len(data) <= HEADER.size:
        raise Refusal(
            Code.MALFORMED,
            f"a binary message of {len(data)} bytes is too short: a header of {HEADER.size} bytes "
            "and sound after it are needed",
        )
    kind, person, nothing, position = HEADER.unpack_from(data)
    if kind != AUDIO or nothing:
        raise Refusal(
            Code.MALFORMED,
            f"a binary message begins with kind {kind} and {nothing} in bytes 2 and 3, where sound "
            f"has {AUDIO} and 0",
        )
    if person >= people:
        raise Refusal(
            Code.INVALID,
            f"sound of person {person} came, but this session has people={people}, counted from 0",
        )
    payload = data[HEADER.size :]
    if is_pcm and len(payload) % 2:
        raise Refusal(
            Code.MALFORMED,
            f"{len(payload)} bytes of sound are no whole samples of 16 bits; send whole samples",
        )
    return Sound(person, position, payload)


def _check_tree(tree: Any, depth: int) -> None:
    """Refuses what is nested too deeply, NaN, and numbers that are read as infinite, as 1e999."""
    if depth < 0:
        raise Refusal(Code.MALFORMED, f"a message is nested more than {_MOST_DEPTH} levels deep")
    if isinstance(tree, float) and not math.isfinite(tree):
        raise Refusal(Code.NAN, f"a message has {tree} for a number; give finite ones")
    if isinstance(tree, dict | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            _check_tree(part, depth - 1)


def _check_version(tree: dict[str, Any]) -> None:
    """Refuses another version before its unknown fields are."""
    version = tree.get("version")
    if tree.get("type") == "start" and isinstance(version, int) and version != VERSION:
        raise Refusal(
            Code.VERSION,
            f"start has version {_short(version)}, but this server speaks version {VERSION}",
        )


def _refusal(problem: ErrorDetails) -> Refusal:
    """Puts pydantic's first problem into a sentence. Values are not shown: one may be a token."""
    kind, *path = map(str, problem["loc"]) if problem["loc"] else ("message",)
    place, what = _short(".".join(path)), problem["msg"]
    match problem["type"]:
        case "extra_forbidden":
            return Refusal(Code.MALFORMED, f"{kind} has an unknown field {place}")
        case "missing":
            return Refusal(Code.MALFORMED, f"{kind} lacks the field {place}")
        case "finite_number":
            return Refusal(Code.NAN, f"{place} of {kind} is not a finite number")
        case "union_tag_not_found":
            return Refusal(Code.MALFORMED, "a message has no type")
        case "union_tag_invalid":
            known = problem.get("ctx", {}).get("expected_tags", "")
            return Refusal(Code.MALFORMED, f"a message has an unknown type; there are {known}")
    what = what.removeprefix("Value error, ").replace("Input should", "it should")
    return Refusal(Code.MALFORMED, f"{f'{place} of ' if place else ''}{kind} is wrong: {what}")


def _short(value: object) -> str:
    text = str(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
