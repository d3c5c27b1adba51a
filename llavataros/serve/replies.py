"""Protocol 1, what the server sends: JSON messages with a `type`, and frames as numbers.

Messages with a `number` are counted, and are sent again after a resume as frames are.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from llavataros.serve.codes import Code


class Reply(BaseModel):
    """What all replies share."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ready(Reply):
    """The session has begun or goes on."""

    type: Literal["ready"] = "ready"
    version: int
    session: str = Field(description="a name for logs")
    token: str = Field(description="what `start.resume` takes after a lost connection")
    fps: float
    delay_frames: int = Field(description="frames by which a pose comes later than its sound")
    delay_seconds: float
    skeleton: dict[str, Any] = Field(description="names, parents, offsets in metres, …")
    bones: list[str] = Field(description="VRM names of the bones in `humanoid`; empty without")
    rest: list[list[float]] = Field(description="their places in the T-pose, metres")
    speakers: list[str]
    gestures: list[str]
    limits: dict[str, float]
    received: dict[str, int] = Field(description="by person: samples or packets received")
    messages: int = Field(description="JSON messages received, `start` and `ping` not counted")


class HumanoidPoses(Reply):
    """Poses of VRM's normalised bones, frame by frame."""

    rotations: list[list[float]] = Field(description="bones × xyzw")
    hips: list[list[float]] = Field(description="place in metres")


class Frames(Reply):
    """Consecutive frames; a binary message when `start.frames` is binary."""

    type: Literal["frames"] = "frames"
    first: int = Field(description="number of the first frame")
    seconds: float = Field(description="its time in the stream")
    joints: list[list[float]] | None = Field(
        default=None, description="joints × (place in metres, xyzw), in the world"
    )
    humanoid: HumanoidPoses | None = None


class Numbered(Reply):
    """A reply that is counted, from 0 on."""

    number: int


class Notice(Numbered):
    """Something worth knowing."""

    type: Literal["notice"] = "notice"
    text: str


class Interrupted(Numbered):
    """Frames from this one on are made anew; what was received of them is to be dropped."""

    type: Literal["interrupted"] = "interrupted"
    from_frame: int


class UtteranceBegun(Numbered):
    """Where an utterance begins: where the sound ended that was heard before."""

    type: Literal["utterance"] = "utterance"
    start_seconds: float


class GestureBegun(Numbered):
    """When a gesture begins."""

    type: Literal["gesture"] = "gesture"
    name: str
    start_seconds: float


class Ended(Numbered):
    """All frames were sent; the connection is closed with 1000."""

    type: Literal["end"] = "end"
    frames: int
    seconds: float


class Pong(Reply):
    """Answers `ping`, and says what was received, which need not be sent again after a resume."""

    type: Literal["pong"] = "pong"
    id: int | str | None
    received: dict[str, int]
    messages: int


class Error(Reply):
    """A refusal, after which the connection is closed, or the body of an HTTP answer."""

    type: Literal["error"] = "error"
    code: Code
    message: str


SERVER_MESSAGES = (
    *(Ready, Frames, Notice, Interrupted, UtteranceBegun, GestureBegun, Ended, Pong, Error),
)
ServerMessage = (
    Ready | Frames | Notice | Interrupted | UtteranceBegun | GestureBegun | Ended | Pong | Error
)
ANY_SERVER_MESSAGE: TypeAdapter[ServerMessage] = TypeAdapter(
    Annotated[ServerMessage, Field(discriminator="type")]
)
