"""Protocol 1, what clients send: JSON messages with a `type`, and sound with a header of 8 bytes.

The first message is `start`. Strict: unknown fields, numbers in quotes and numbers that are not
finite are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

VERSION = 1

Seconds = Annotated[float, Field(ge=0, le=1e6)]
Person = Annotated[int, Field(ge=0, le=1)]


class Form(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Audio(Form):
    """How sound will be sent: whole samples of one channel, or one Opus packet a message."""

    encoding: Literal["pcm_s16le", "opus"] = "pcm_s16le"
    sample_rate: int = Field(
        default=48000, ge=8000, le=192000, description="samples a second, of PCM"
    )


class Dials(Form):
    """Dials of a session; what is null stays as it is."""

    temperature: float | None = Field(default=None, ge=0, le=3, description="how far samples stray")
    guidance: float | None = Field(
        default=None, ge=0, le=10, description="how much they follow speech"
    )
    expressiveness: float | None = Field(default=None, ge=0, le=3, description="how far joints go")
    idle: float | None = Field(default=None, ge=0, le=1, description="how still pauses are")
    size: float | None = Field(default=None, ge=0, le=3, description="size of gestures")


class Start(Form):
    """Begins a session, or goes on with one whose connection was lost."""

    type: Literal["start"]
    version: int = Field(description="of the protocol, 1")
    token: str | None = Field(
        default=None, max_length=512, description="of the server, if it wants one"
    )
    resume: str | None = Field(
        default=None, max_length=512, description="`ready.token` of a session"
    )
    next_frame: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="with resume: the first frame that was not received",
    )
    next_message: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="with resume: how many messages with a `number` were received",
    )
    audio: Audio = Audio()
    people: Literal[1, 2] = 1
    words: Literal["none", "timed", "untimed"] = "none"
    silence: Literal["wait", "fill"] = "wait"
    speaker: str | None = Field(default=None, max_length=200)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    dials: Dials = Dials()
    poses: list[Literal["joints", "humanoid"]] = Field(
        default=["joints"], min_length=1, max_length=2
    )
    frames: Literal["json", "binary"] = "json"


class Utterance(Form):
    """The speaker begins an utterance; answered by `utterance` with where it begins."""

    type: Literal["utterance"]


class EndUtterance(Form):
    """All sound and words of the utterance were sent."""

    type: Literal["end_utterance"]


class SpokenWord(Form):
    """A word with its times."""

    word: str = Field(max_length=200)
    start: Seconds
    end: Seconds


class Words(Form):
    """Words with times, or the message of a TTS service as it came, which has them."""

    type: Literal["words"]
    person: Person = 0
    words: list[SpokenWord] | None = Field(default=None, max_length=2000)
    service: dict[str, Any] | None = None
    known_until: Seconds | None = Field(
        default=None, description="no other word begins before; the end of the last word by default"
    )
    origin: Literal["utterance", "stream"] = Field(
        default="utterance", alias="from", description="what times count from"
    )

    @model_validator(mode="after")
    def _one(self) -> "Words":
        if (self.words is None) == (self.service is None):
            raise ValueError("give either words or service, a TTS service's message")
        return self


class Text(Form):
    """What is said, without times."""

    type: Literal["text"]
    person: Person = 0
    text: str = Field(max_length=20000)


class Interrupt(Form):
    """Stops the sentence: what was not spoken is dropped and the body comes to rest."""

    type: Literal["interrupt"]
    at_seconds: Seconds | None = Field(
        default=None, description="from which time of the stream on; by default what was not sent"
    )


class Turn(Dials):
    """Turns dials while the session runs."""

    type: Literal["dials"]


class Gesture(Form):
    """Asks for a gesture by its name in `ready.gestures`."""

    type: Literal["gesture"]
    name: str = Field(max_length=200)
    at_seconds: Seconds | None = None
    strength: float = Field(default=1.0, ge=0, le=2)


class End(Form):
    """Ends the stream; the delayed frames follow, then `end`."""

    type: Literal["end"]


class Ping(Form):
    """Keeps a silent session open; answered by `pong`."""

    type: Literal["ping"]
    id: int | str | None = Field(default=None, description="comes back")


CLIENT_MESSAGES = (
    *(Start, Utterance, EndUtterance, Words, Text),
    *(Interrupt, Turn, Gesture, End, Ping),
)
ClientMessage = (
    Start | Utterance | EndUtterance | Words | Text | Interrupt | Turn | Gesture | End | Ping
)
ANY_CLIENT_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(
    Annotated[ClientMessage, Field(discriminator="type")]
)
