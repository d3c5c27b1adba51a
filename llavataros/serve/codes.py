"""Every way in which the server refuses: a code, a close code of WebSocket, a status of HTTP."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What an `error` is about."""

    MALFORMED = "malformed"
    NAN = "nan"
    ORDER = "order"
    VERSION = "version"
    INVALID = "invalid"
    AUDIO = "audio"
    WORDS = "words"
    UNKNOWN_GESTURE = "unknown_gesture"
    TOKEN = "token"
    ORIGIN = "origin"
    HOST = "host"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"
    TIMEOUT = "timeout"
    RESUME = "resume"
    REPLACED = "replaced"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Meaning:
    """What a code comes with.

    Attributes:
        close: Code with which the WebSocket is closed after the `error`.
        status: Status of an HTTP answer.
        text: When it comes, for the schema.
    """

    close: int
    status: int
    text: str


MEANINGS = {
    Code.MALFORMED: Meaning(4000, 400, "a message is no JSON, has unknown fields or a wrong form"),
    Code.NAN: Meaning(4001, 400, "a number is NaN or infinite"),
    Code.ORDER: Meaning(4002, 409, "a message comes before start, twice, or after end"),
    Code.VERSION: Meaning(4003, 400, "the client speaks another version of the protocol"),
    Code.INVALID: Meaning(4004, 422, "a value is well formed but cannot be used"),
    Code.AUDIO: Meaning(4005, 422, "the sound cannot be decoded"),
    Code.WORDS: Meaning(4006, 422, "words or their times make no sense"),
    Code.UNKNOWN_GESTURE: Meaning(4007, 422, "no gesture has that name"),
    Code.TOKEN: Meaning(4010, 401, "the token is missing or wrong"),
    Code.ORIGIN: Meaning(4011, 403, "a page of another origin asks"),
    Code.HOST: Meaning(4012, 403, "the request is addressed to a name that is not this machine's"),
    Code.NOT_FOUND: Meaning(4013, 404, "there is nothing at that address"),
    Code.BUSY: Meaning(4020, 503, "as many sessions or requests run as may, or it still compiles"),
    Code.TOO_LARGE: Meaning(4021, 413, "a message or upload has too many bytes"),
    Code.TOO_LONG: Meaning(4022, 413, "a session or recording lasts too long"),
    Code.TOO_FAST: Meaning(4023, 429, "more messages a second come than may"),
    Code.TIMEOUT: Meaning(4024, 408, "the client was silent, or did not read, for too long"),
    Code.RESUME: Meaning(4030, 409, "there is nothing to resume, or it is no longer kept"),
    Code.REPLACED: Meaning(4031, 409, "another connection has resumed this session"),
    Code.SHUTTING_DOWN: Meaning(4040, 503, "the server ends"),
    Code.INTERNAL: Meaning(4500, 500, "the server has a fault, which its log describes"),
}


class Refusal(Exception):
    """Says in one sentence why the server does not do what a client asks.

    Attributes:
        code: What it is about.
        message: The sentence.
    """

    def __init__(self, code: Code, message: str):
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def meaning(self) -> Meaning:
        """The close code and the status."""
        return MEANINGS[self.code]
