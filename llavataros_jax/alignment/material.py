"""What alignment is learnt from: clips of motion with their speech, packed for a device."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from llavataros_jax.alignment.body import FRAMES_PER_SECOND, body_points
from llavataros_jax.alignment.settings import APART_FRAMES, Settings
from llavataros_jax.alignment.speech import speech_features
from llavataros_jax.errors import UserError
from llavataros_jax.motion.trajectories import Trajectories

# Windows are drawn with so many frames around them, for smoothing, and so much faster or slower.
MARGIN_FRAMES = 4
TEMPO = 0.1
# The same words said twice do not follow each other so closely, frame by frame.
_SAME_SPEECH = 0.95
_LEAST_SAME_FRAMES = 3 * FRAMES_PER_SECOND
_LEAST_SPEED = 1e-2
_HANDS = 2
# A long clip is judged in parts of this length, which the bootstrap draws in place of clips.
PART_FRAMES = 10 * FRAMES_PER_SECOND


@dataclass(frozen=True, eq=False)
class AlignmentClip:
    """One person's motion and speech at 20 frames per second.

    Attributes:
        name: Of the clip.
        speaker: Who it is: speech is only confused with that of the same person.
        points: See `body_points`, divided by how fast the hands usually are in the clip.
        speech: See `speech_features`.
        source: The data set that it is of; see `fit_alignment`.
    """

    name: str
    speaker: str
    points: Float32[np.ndarray, "N 6 3"]
    speech: Float32[np.ndarray, "N 4"]
    source: int = 0

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.points)


def alignment_clip(
    name: str,
    speaker: str,
    trajectories: Trajectories,
    samples: Float32[np.ndarray, " n"],
    *,
    source: int = 0,
) -> AlignmentClip:
    """Returns a clip of motion and the sound that belongs to it, mono at 16 kHz.

    Raises:
        UserError: When the skeleton has no arms, or a sample is no number.
    """
    try:
        points = steadied(body_points(trajectories))
        speech = speech_features(samples, trajectories.seconds)
    except UserError as refusal:
        raise UserError(f"clip {name}: {refusal}") from refusal
    return AlignmentClip(name, speaker, points, speech, source)


def steadied(points: Float32[np.ndarray, "N 6 3"]) -> Float32[np.ndarray, "N 6 3"]:
    """Divides a clip by the root mean square speed of its hands, so that its size means nothing."""
    if len(points) < 2:
        return points
    velocity = np.diff(points[:, :_HANDS].astype(np.float64), axis=0) * FRAMES_PER_SECOND
    speed = float(np.sqrt(np.square(velocity).sum(axis=-1).mean()))
    return (points / max(speed, _LEAST_SPEED)).astype(np.float32)


def drawn_frames(settings: Settings) -> int:
    """Returns how many frames a window with its margins may take at the fastest tempo."""
    return int(np.ceil((settings.window_frames + 2 * MARGIN_FRAMES) * (1 + TEMPO))) + 1


@dataclass(frozen=True, eq=False)
class Material:
    """Clips in one array each for motion and speech, and where windows may begin in them.

    Attributes:
        points: Of all clips, one after the other.
        speech: Likewise.
        starts: For each speaker, frames at which windows with their margins begin; filled up.
        clips: For each of them the number of its recording.
        counts: How many each speaker has.
        shares: How often each speaker is drawn; they add up to 1.
    """

    points: Float32[np.ndarray, "T 6 3"]
    speech: Float32[np.ndarray, "T 4"]
    starts: Int[np.ndarray, "S K"]
    clips: Int[np.ndarray, "S K"]
    counts: Int[np.ndarray, " S"]
    shares: Float32[np.ndarray, " S"]


def pack(clips: Sequence[AlignmentClip], settings: Settings) -> Material:
    """Packs clips to train on; each source has the same weight, and in it each frame.

    Raises:
        UserError: When no speaker has two places 2 s apart.
    """
    need, place = drawn_frames(settings), 0
    starts: dict[tuple[int, str], list[np.ndarray]] = {}
    numbers: dict[tuple[int, str], list[np.ndarray]] = {}
    for clip, recording in zip(clips, recordings(clips), strict=True):
        begins = place + np.arange(max(0, clip.num_frames - need + 1))
        starts.setdefault((clip.source, clip.speaker), []).append(begins)
        numbers.setdefault((clip.source, clip.speaker), []).append(np.full(len(begins), recording))
        place += clip.num_frames
    joined = {who: np.concatenate(found) for who, found in starts.items()}
    speakers = {
        who: found for who, found in joined.items() if len(found) and np.ptp(found) >= APART_FRAMES
    }
    if not speakers:
        raise UserError(
            f"{len(clips)} clips to train on have no speaker with two places 2 s apart that hold "
            f"{need / FRAMES_PER_SECOND:.1f} s each; give longer clips or more of them"
        )
    most = max(map(len, speakers.values()))
    frames = {who: len(found) for who, found in speakers.items()}
    of_source = {source: 0 for source, _ in speakers}
    for (source, _), count in frames.items():
        of_source[source] += count
    return Material(
        points=np.concatenate([clip.points for clip in clips]),
        speech=np.concatenate([clip.speech for clip in clips]),
        starts=np.stack([np.resize(found, most) for found in speakers.values()]).astype(np.int32),
        clips=np.stack([np.resize(np.concatenate(numbers[who]), most) for who in speakers]).astype(
            np.int32
        ),
        counts=np.array(list(frames.values()), np.int32),
        shares=np.array(
            [count / of_source[source] / len(of_source) for (source, _), count in frames.items()],
            np.float32,
        ),
    )


def recordings(clips: Sequence[AlignmentClip]) -> list[int]:
    """Numbers the recordings: clips in which the same is said at the same times share one.

    A data set often holds a take and its mirror image. They are never rivals, and are held out
    together or not at all.
    """
    found: list[int] = []
    for number, clip in enumerate(clips):
        same = (
            found[before]
            for before, other in enumerate(clips[:number])
            if (other.source, other.speaker) == (clip.source, clip.speaker)
            and _same_speech(clip.speech, other.speech)
        )
        found.append(next(same, number))
    return found


def _same_speech(first: Float32[np.ndarray, "N 4"], second: Float32[np.ndarray, "M 4"]) -> bool:
    length = min(len(first), len(second))
    if length < _LEAST_SAME_FRAMES:
        return False
    a, b = (np.asarray(speech[:length, 0], np.float64) for speech in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return bool(size > 0 and a @ b / size > _SAME_SPEECH)


def hold_out(
    clips: Sequence[AlignmentClip], settings: Settings
) -> tuple[list[AlignmentClip], list[AlignmentClip]]:
    """Splits clips by recording, for each speaker alike, into those to train on and the others.

    A speaker with a single recording keeps its beginning, and its end is held out.

    Returns:
        Clips to train on, and clips held out.
    """
    number_of = dict(zip(map(id, clips), recordings(clips), strict=True))
    train, held = [], []
    speakers = list(dict.fromkeys((clip.source, clip.speaker) for clip in clips))
    for place, speaker in enumerate(speakers):
        own = [clip for clip in clips if (clip.source, clip.speaker) == speaker]
        numbers = list(dict.fromkeys(number_of[id(clip)] for clip in own))
        if len(numbers) == 1:
            # At the same time in all of them, so that they are still known to be one.
            shortest = min(clip.num_frames for clip in own)
            cut = round(shortest * (1 - settings.hold_out))
            for clip in own:
                train.append(part(clip, 0, cut))
                held.append(part(clip, cut, clip.num_frames))
            continue
        count = min(max(1, round(settings.hold_out * len(numbers))), len(numbers) - 1)
        drawn = np.random.default_rng([settings.seed, place]).permutation(numbers)[:count]
        for clip in own:
            (held if number_of[id(clip)] in drawn else train).append(clip)
    return train, held


def part(clip: AlignmentClip, start: int, stop: int) -> AlignmentClip:
    """Returns frames [start, stop) of a clip, under the same name."""
    return AlignmentClip(
        clip.name, clip.speaker, clip.points[start:stop], clip.speech[start:stop], clip.source
    )


def parts(clip: AlignmentClip) -> list[AlignmentClip]:
    """Cuts a clip of 20 s or more into parts of 10 s or a little more."""
    count = max(1, clip.num_frames // PART_FRAMES)
    edges = [round(edge) for edge in np.linspace(0, clip.num_frames, count + 1)]
    return [part(clip, a, b) for a, b in itertools.pairwise(edges)]


def digest(clips: Sequence[AlignmentClip]) -> str:
    """Returns 16 hexadecimal digits of all that is learnt from."""
    told = hashlib.sha256()
    for clip in clips:
        told.update(f"{clip.name}\n{clip.speaker}\n{clip.source}\n".encode())
        told.update(np.ascontiguousarray(clip.points).tobytes())
        told.update(np.ascontiguousarray(clip.speech).tobytes())
    return told.hexdigest()[:16]
