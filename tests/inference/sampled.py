"""A small network with a sampled head, one stream of three lanes that has everything, and speech.

The stream looks ahead, smooths and takes calls of six frames in passes of three, so that all tests
share one compiled program.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from llavataros_jax.batch import Speech
from llavataros_jax.config import AudioConfig, FlowConfig
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.enlargement import enlarge_recording
from llavataros_jax.motion.expressiveness import Expressiveness
from llavataros_jax.motion.idle import quieten_recording
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.motion.smoothing import smooth_recording
from llavataros_jax.sound.steps import PROSODY
from llavataros_jax.sound.voice import recorded_activity
from tests.inference.test_animate import CODEC
from tests.model.conftest import draw_params, small_config
from tests.training.records import waving

LANES, FRAMES, CALL = 3, 48, 6
AHEAD, SMOOTHING = 6, 4
DELAY = AHEAD + SMOOTHING
AUDIO = AudioConfig(mels=1)
SIZES = Sizes(3 * (AUDIO.mels + len(PROSODY)), 7, CODEC.pose_size, 3)
SPEAKS = np.repeat([False, True, False], [22, 8, 18])
LOUD, QUIET, WORDLESS = -2.0, -8.0, 3
NETWORK = {"variant": "plus", "norm": "pre", "self_blocks": 1, "cross_blocks": 1}
PLAIN = FlowConfig(blocks=2, width=16)
RECALLING = FlowConfig(
    blocks=2, width=16, history_frames=2, target="residual", noise_correlation=0.9, pace=False
)


@functools.cache
def network(flow: FlowConfig = PLAIN, ahead: int = AHEAD):
    """Returns a network with drawn parameters, of which none is zero."""
    config = small_config(
        head="flow", memory_frames=14, segment_frames=7, lookahead_frames=ahead, **NETWORK
    )
    poses = CODEC.normalise(CODEC.encode(waving(1, 40)))
    basis = PoseBasis.measure([np.asarray(poses)], kept_variance=0.99)
    model = build(config, SIZES, flow=flow, basis=basis)
    return model, draw_params(model)


@functools.cache
def animator() -> Animator:
    return Animator(*network(), CODEC)


@functools.cache
def streamer() -> Streamer:
    return Streamer(*network(), CODEC, lanes=LANES, call_frames=3, smooth_fps=30, audio=AUDIO)


def clip(number: int, frames: int = FRAMES) -> ClipSpeech:
    """Returns speech with pauses long enough to settle; of one clip no word is known."""
    rng = np.random.default_rng(number)
    # One decimal survives the float16 of segments almost exactly.
    audio = rng.integers(-8, 8, (FRAMES, SIZES.audio)).astype(np.float16) / 8
    energy = 3 * (AUDIO.mels + PROSODY.index("energy"))
    audio[:, energy : energy + 3] = np.where(SPEAKS, LOUD, QUIET)[:, None]
    index = np.where(SPEAKS & (number != WORDLESS), rng.integers(9, size=FRAMES), -1)
    words = rng.integers(-8, 8, (9, SIZES.text)).astype(np.float16) / 8
    return ClipSpeech(audio[:frames], words, index[:frames].astype(np.int32), speaker=2)


def turned(*, steps: int = 2, **dials: float | list[float]) -> LiveDials:
    """Returns dials of all lanes, some of them turned."""
    lanes = {
        name: np.broadcast_to(np.array(value, np.float32), LANES) for name, value in dials.items()
    }
    return LiveDials.of(LANES).replace(steps=np.array(steps, np.int32), **lanes)


def offline(
    number: int,
    seed: int,
    frames: int = FRAMES,
    *,
    dials: LiveDials | None = None,
    lane: int = 0,
    alone: bool = False,
) -> np.ndarray:
    """Returns the motion of a whole recording, as `TrainedRun.animate` makes it."""
    dials = turned() if dials is None else dials
    one = dials.replace(
        **{
            name: np.asarray(getattr(dials, name))[[lane]]
            for name in ("temperature", "guidance", "size", "expressiveness", "idle")
        }
    )
    spoken = clip(number, frames)
    other = None if alone else clip(number + 50, frames)
    poses = animator()(spoken, other, seed=seed, dials=one.of_head)
    poses = smooth_recording(poses.astype(np.float64), 30)
    larger = enlarge_recording(poses, one.size.item(), fps=30)
    wider = np.asarray(Expressiveness(CODEC)(larger, one.expressiveness.item()))
    activity = recorded_activity(spoken.word_index, spoken.audio, AUDIO, fps=30)
    return quieten_recording(wider, activity, one.idle.item(), fps=30, ahead_frames=AHEAD)


class Performance:
    """A stream whose lanes bring as many frames as they like, and its poses lane by lane."""

    def __init__(self, numbers: Sequence[int], seeds: Sequence[int]) -> None:
        self.numbers, self.state = numbers, streamer().start(list(seeds))
        self.poses: list[list[np.ndarray]] = [[] for _ in range(LANES)]
        self.rng, self.spoilt = np.random.default_rng(0), (-1, 0)

    def spoil(self, *, lane: int, frame: int) -> None:
        """Makes a number of a frame that is to come infinite."""
        self.spoilt = lane, frame

    def call(
        self, counts: Sequence[int] = (CALL,) * LANES, *, starts: Sequence[int] = (), **given: Any
    ) -> np.ndarray:
        """Brings frames to each lane at places drawn for it; the others hold NaN."""
        mask, is_start = np.zeros((LANES, CALL), bool), np.zeros(LANES, bool)
        for lane, count in enumerate(counts):
            mask[lane, self.rng.permutation(CALL)[:count]] = True
            if lane in starts:
                self.poses[lane], is_start[lane] = [], True
        people = [self._people(mask, other=other) for other in (False, True)]
        pose, self.state = streamer()(
            self.state, *people, frame_mask=mask, is_start=is_start, **given
        )
        for lane in range(LANES):
            self.poses[lane] += list(np.asarray(pose)[lane, mask[lane]])
        return np.asarray(pose)

    def end(self, dials: LiveDials | None = None) -> list[np.ndarray]:
        """Returns each lane's motion, as if its stream ended here."""
        last = np.asarray(streamer().flush(self.state, dials=dials))
        return [np.array([*self.poses[k], *last[k]])[DELAY:] for k in range(LANES)]

    def _people(self, mask: np.ndarray, *, other: bool) -> Any:
        lanes = [clip(number + 50 * other) for number in self.numbers]
        audio = np.full((LANES, CALL, SIZES.audio), np.nan, np.float16)
        index = np.full((LANES, CALL), -1, np.int32)
        for lane, spoken in enumerate(lanes):
            came = len(self.poses[lane])
            part = slice(came, came + mask[lane].sum())
            sound = spoken.audio.copy()
            if lane == self.spoilt[0] and not other:
                sound[self.spoilt[1], 0] = np.inf
            audio[lane, mask[lane]] = sound[part]
            index[lane, mask[lane]] = spoken.word_index[part]
        words = np.stack([spoken.words for spoken in lanes])
        return Speech(audio, words, index, np.full(LANES, 2, np.int32))
