"""`Clip`, one performance: whose it is and where its speech and motion lie."""

import re
from dataclasses import dataclass
from pathlib import Path

# Marks the mirror image of a take, in the names of its files and of its speaker.
MIRRORED = "_mirror"
MIRROR = re.compile(rf"{MIRRORED}(?=_|$)")


@dataclass(frozen=True)
class Clip:
    """One performance of one speaker, as files.

    Attributes:
        name: Name that no other clip of the folder has.
        take: Recording that it belongs to; a clip, its mirror and both sides of a conversation
            may share it, and are then never divided between training and validation.
        speaker: Name of the speaker; a mirrored take has a speaker of its own.
        audio: Sound file.
        motion: `.npy`, `.npz` or `.bvh`; None if only its speech is wanted, for an interlocutor.
        words: Timed words, if there are any.
        transcript: What is said, without times, if it is known.
        interlocutor: Name of the clip of the other speaker in a conversation.
        is_cut_to_shorter: Whether its data set has motion and sound of different lengths, to be cut
            at the end of the shorter.
        notes: What the user should know about the choice of these files.
    """

    name: str
    take: str
    speaker: str
    audio: Path
    motion: Path | None = None
    words: Path | None = None
    transcript: Path | None = None
    interlocutor: str | None = None
    is_cut_to_shorter: bool = False
    notes: tuple[str, ...] = ()
