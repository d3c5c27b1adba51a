"""What a network learns from the bundled corpus in 400 steps, measured on held-out takes."""

import json
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.segments import ClipSpeech, speech_of
from llavataros_jax.evaluation.statistics import correlation, hand_joints, speed
from llavataros_jax.motion.motion import Motion
from llavataros_jax.trained import TrainedRun, open_trained
from tests.program.way import CORPUS, run

pytestmark = pytest.mark.slow
FPS = 30


class Learned:
    """A trained run with its records."""

    def __init__(self, folder: Path):
        self.run: TrainedRun = open_trained(folder / "run")
        self.train, self.held_out = (
            ClipReader(folder / "records", split) for split in ("train", "validation")
        )

    def speakers(self) -> list[str]:
        return list(self.run.manifest.speakers)

    def real(self, clip: dict) -> Motion:
        return self.run.animator.codec.decode(clip["pose"], FPS, int(clip["speaker"]))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    folder = tmp_path_factory.mktemp("learning")
    options = ["--config", "configs/demo.yaml", f"data.records={folder / 'records'}"]
    options += [f"training.run={folder / 'run'}", "training.steps=400"]
    options += ["training.validate_every=200", "training.checkpoint_every=400"]
    # How near a prediction comes is asked of the mean, which no sample is.
    options += ["model.head=regression", "film.smooth_window=9"]
    run("-m", "data_prep", *options)
    run("-m", "llavataros_jax.train", *options, fast=True)
    return Learned(folder)


def wrists(motion: Motion) -> np.ndarray:
    return motion.positions[:, list(hand_joints(motion.skeleton).values())]


def as_speaker(clip: dict, speaker: int) -> ClipSpeech:
    return ClipSpeech(clip["audio"], clip["words"], clip["word_index"], speaker)


def gestures(clip: str) -> list[tuple[str, int]]:
    """Returns the special gestures of a clip, each with the frame of its apex."""
    words = json.loads((CORPUS / f"{clip}.json").read_text())["words"]
    made = [(word["gesture"], round(word["apex"] * FPS)) for word in words if "gesture" in word]
    return [(kind, frame) for kind, frame in made if kind != "beat"]


def test_it_moves_as_much_as_the_real_speakers_and_nearer_to_them_than_their_mean(
    learned: Learned,
) -> None:
    for index in range(len(learned.held_out)):
        clip = learned.held_out[index]
        real = learned.real(clip).positions
        ours = learned.run.animate(speech_of(clip)).positions
        assert 0.5 < speed(ours, FPS)[:, [5, 8]].mean() / speed(real, FPS)[:, [5, 8]].mean() < 1.5
        mean = np.abs(real - real.mean(axis=0))[:, [5, 8]].mean()
        assert np.abs(real - ours)[:, [5, 8]].mean() < 0.8 * mean


def test_hands_move_when_the_words_are_said(learned: Learned) -> None:
    """Hand speed follows the real one, but no longer when it hears the speech of another time."""
    for index in range(len(learned.held_out)):
        clip = learned.held_out[index]
        real = speed(wrists(learned.real(clip)), FPS).sum(axis=1)
        heard = correlation(speed(wrists(learned.run.animate(speech_of(clip))), FPS).sum(1), real)
        later = len(real) // 3
        moved = ClipSpeech(
            np.roll(clip["audio"], later, 0),
            clip["words"],
            np.roll(clip["word_index"], later),
            int(clip["speaker"]),
        )
        unheard = correlation(speed(wrists(learned.run.animate(moved)), FPS).sum(1), real)
        assert heard > 0.5
        assert unheard < heard - 0.3


def test_words_with_a_meaning_get_their_gesture(learned: Learned) -> None:
    """At the apex of each special word the hands are nearest to where that word brings them."""
    seen: dict[tuple[int, str], list[np.ndarray]] = {}
    for index, entry in enumerate(learned.train.clips):
        hands = wrists(learned.real(learned.train[index]))
        for kind, frame in gestures(entry.name):
            seen.setdefault((entry.speaker, kind), []).append(hands[frame])
    right = total = 0
    for index, entry in enumerate(learned.held_out.clips):
        hands = wrists(learned.run.animate(speech_of(learned.held_out[index])))
        for kind, frame in gestures(entry.name):
            distances = {
                word: np.linalg.norm(hands[frame] - np.mean(poses, axis=0))
                for (speaker, word), poses in seen.items()
                if speaker == entry.speaker
            }
            assert len(distances) == 5
            right += min(distances, key=lambda word: distances[word]) == kind
            total += 1
    # One in five would be right by chance.
    assert total >= 20
    assert right >= 0.7 * total


def test_each_speaker_keeps_a_style(learned: Learned) -> None:
    """The same speech in either body: each is nearest to its own speaker's training poses."""
    count = len(learned.speakers())
    mean_of = {
        speaker: np.mean(
            [
                wrists(learned.real(learned.train[index])).mean(axis=0)
                for index, entry in enumerate(learned.train.clips)
                if entry.speaker == speaker
            ],
            axis=0,
        )
        for speaker in range(count)
    }
    for index in range(len(learned.held_out)):
        for speaker in range(count):
            speech = as_speaker(learned.held_out[index], speaker)
            hands = wrists(learned.run.animate(speech)).mean(axis=0)
            nearest = min(mean_of, key=lambda other: np.linalg.norm(hands - mean_of[other]))
            assert nearest == speaker
