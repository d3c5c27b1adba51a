"""What the hands do: strokes, holds, retractions, and what hands do in long silences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_prep.corpus.hours.movement import Movement
from data_prep.corpus.hours.plan import HORIZON_SECONDS, Candidate, candidates, relief, runs
from data_prep.corpus.hours.repertoire import (
    beat_of,
    gesture_of,
    pose_of,
    rest_of,
    touch_of,
)
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.styles import Style

_JITTER = 0.03
_SETTLE_SECONDS = 0.08
_LATEST_BEAT_SECONDS, _LATEST_SECONDS = 0.3, 0.55
# Hands take sqrt(distance) times this, in seconds for metres: they accelerate alike on short ways
# and long, as people's do, and reach 1.5 m/s at the middle of 0.4 m.
_PACE = 0.75
_LEAST_SECONDS = 0.2
_PATH_HURRY = 0.84
_QUIET_SECONDS = 0.25
_RETRACT_SECONDS = 0.85
_NEAR_METRES = 0.14
_LIFT_METRES = 0.05
# A beat in a held gesture is a dip of it (McNeill's superimposed beat).
_DIP = np.array([0.01, -0.05, 0.02])


@dataclass(frozen=True)
class Stroke:
    """A stroke that is made: `kind` is `beat` or a key of `forms.FORMS`."""

    word: int
    kind: str
    start_seconds: float
    apex_seconds: float
    size: float


@dataclass(frozen=True)
class _Settling:
    """A movement that comes to pass unless a stroke begins first."""

    seconds: float
    pose: np.ndarray
    duration_seconds: float


class Hands:
    """Follows a speaker's words in time."""

    def __init__(
        self, style: Style, words: Sequence[SpokenWord], chance: np.random.Generator
    ) -> None:
        self._style, self._words, self._chance = style, words, chance
        self._rest = rest_of(style)
        self._ready = self._rest + style.ready * (beat_of(style, 1.0) - self._rest)
        self._runs = runs(words)
        self._pending: list[_Settling] = []
        self._held_until = -np.inf
        self.movement = Movement(self._rest)
        self.strokes: list[Stroke] = []

    def play(self, clip_seconds: float) -> None:
        """Makes all strokes, and touches the hands in long silences."""
        events: list[tuple[float, Candidate | bool]] = [
            (candidate.start_seconds, candidate)
            for candidate in candidates(self._words, self._style)
        ]
        events += self._touches(clip_seconds)
        for seconds, event in sorted(events, key=lambda pair: pair[0]):
            if isinstance(event, Candidate):
                self._stroke(event)
            else:
                self._settle_until(seconds)
                pose = touch_of(self._style) if event else self._rest
                self._pending = []
                self._glide(seconds, pose, 1.2 if event else 0.7)
        self._settle_until(clip_seconds)

    def _touches(self, clip_seconds: float) -> list[tuple[float, bool]]:
        """Lists when hands touch in a silence, and when they part for what is said next."""
        wait = self._style.touch_seconds
        if wait is None:
            return []
        ends = [0.0, *(end for _, end in self._runs)]
        starts = [*(start for start, _ in self._runs), clip_seconds + 2 * HORIZON_SECONDS]
        found: list[tuple[float, bool]] = []
        for end, start in zip(ends, starts, strict=True):
            if end + wait < start - HORIZON_SECONDS:
                found += [(end + wait, True), (start - 0.3, False)]
        return found

    def _stroke(self, wanted: Candidate) -> None:
        style = self._style
        last = self.strokes[-1] if self.strokes else None
        start, beat = wanted.start_seconds, wanted.kind == "beat"
        if last is not None:
            idle = start - last.apex_seconds
            least = style.threshold - relief(idle)
            if beat and (idle < style.refractory_seconds or wanted.prominence <= least):
                return
            start = max(start, last.apex_seconds + _SETTLE_SECONDS)
        if beat and self._meaning_begins(wanted):
            return
        if start > wanted.apex_seconds + 0.1:
            return
        superimposed = beat and start < self._held_until
        if not superimposed:
            self._settle_until(start)
        keys, gaps, apex = self._keys(wanted, start, superimposed)
        place = self.movement.at(start)
        # On a path hands do not stop at every key.
        hurry = 1.0 if len(keys) == 1 else _PATH_HURRY
        steps = [
            hurry * self._least_seconds(a, b) for a, b in zip([place, *keys], keys, strict=False)
        ]
        seconds = [max(s, g) for s, g in zip(steps, gaps, strict=True)]
        before = sum(seconds[: apex + 1])
        delayed = start > wanted.start_seconds
        latest = wanted.apex_seconds + (_LATEST_BEAT_SECONDS if beat else _LATEST_SECONDS)
        if delayed and start + before > latest:
            return
        # What time is left before the stroke goes to the preparation.
        seconds[0] += max(wanted.apex_seconds - start - before, 0.0)
        times = start + np.cumsum(seconds)
        self.movement.move(start, times.tolist(), keys)
        stroke = Stroke(wanted.word, wanted.kind, start, float(times[apex]), wanted.size)
        self.strokes.append(stroke)
        if superimposed:
            return
        self._let_go(wanted, float(times[-1]))

    def _meaning_begins(self, beat: Candidate) -> bool:
        """Says whether a word with a gesture of its own is about to begin."""
        for word in self._words[beat.word + 1 : beat.word + 4]:
            if word.start_seconds > beat.start_seconds + HORIZON_SECONDS - 0.01:
                return False
            if word.meaning is not None:
                return True
        return False

    def _keys(
        self, wanted: Candidate, start: float, superimposed: bool
    ) -> tuple[list[np.ndarray], list[float], int]:
        """Returns key poses, least seconds before each and the apex's number."""
        style, around = self._style, 1 + _JITTER * self._chance.standard_normal(6)
        if superimposed:
            held = self.movement.target
            dip = held.copy()
            dip[:6] += np.tile(_DIP, 2) * wanted.size * self._raised(held)
            return [dip, held], [0.0, 0.3], 0
        if wanted.kind == "beat":
            apex = beat_of(style, wanted.size)
            apex[:6] = self._rest[:6] + around * (apex[:6] - self._rest[:6])
            place = self.movement.at(start)
            if np.linalg.norm(place[:3] - apex[:3]) > _NEAR_METRES:
                return [apex], [0.0], 0
            lift = (place + apex) / 2
            lift[[1, 4]] += _LIFT_METRES * wanted.size * self._raised(apex)[[1, 4]]
            return [lift, apex], [0.0, 0.0], 1
        gesture = gesture_of(wanted.kind, style)
        size = style.size * wanted.size if gesture.scales else 1.0
        keys = [pose_of(key, style, size) for key in gesture.keys]
        for key in keys if gesture.scales else []:
            key[:6] = self._ready[:6] + around * (key[:6] - self._ready[:6])
        return keys, [key.seconds / style.tempo for key in gesture.keys], gesture.apex

    def _raised(self, pose: Float[np.ndarray, " 15"]) -> Float[np.ndarray, " 6"]:
        """Says for each hand's three numbers whether the hand has left its rest."""
        away = np.linalg.norm((pose[:6] - self._rest[:6]).reshape(2, 3), axis=1) > 0.05
        return np.repeat(away, 3).astype(float)

    def _least_seconds(self, first: np.ndarray, second: np.ndarray) -> float:
        ways = np.linalg.norm((second[:6] - first[:6]).reshape(2, 3), axis=1)
        turns = np.abs(second[6:8] - first[6:8]) / 90
        way = max(float(ways.max()), 0.12 * float(turns.max()))
        return max(_LEAST_SECONDS, _PACE * float(np.sqrt(way))) / self._style.tempo

    def _let_go(self, wanted: Candidate, end: float) -> None:
        """Plans the hold and what comes after it, as far as no stroke comes first."""
        style = self._style
        beat = wanted.kind == "beat"
        hold = style.hold_seconds * (0.5 if beat else gesture_of(wanted.kind, style).hold)
        word = self._words[wanted.word]
        quiet = next(stop for begin, stop in self._runs if begin <= word.start_seconds <= stop)
        quiet += _QUIET_SECONDS
        held_to_the_pause = hold == np.inf
        let_go = max(end + 0.1, quiet) if held_to_the_pause else end + hold
        self._held_until = let_go if held_to_the_pause else -np.inf
        retract = _RETRACT_SECONDS / style.tempo
        self._pending = []
        if let_go < quiet - 0.3:
            self._pending.append(_Settling(let_go, self._ready, retract))
            let_go = quiet
        self._pending.append(_Settling(let_go, self._rest, retract))

    def _settle_until(self, seconds: float) -> None:
        for settling in self._pending:
            if settling.seconds < seconds:
                self._glide(settling.seconds, settling.pose, settling.duration_seconds)
        self._pending = [s for s in self._pending if s.seconds >= seconds]

    def _glide(self, start: float, pose: np.ndarray, seconds: float) -> None:
        way = self._least_seconds(self.movement.at(start), pose) * 1.2
        self.movement.move(start, [start + max(way, seconds)], [pose])
