"""Words that were never heard in training get the gesture of their synonyms.

A third of each meaning's words is left out of a small corpus; then sentences are animated that have
them. What LLaMA's embeddings know of these words is what their gesture can come from.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data_prep.corpus.hours.lexicon import all_held_out
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.segments import speech_of
from llavataros_jax.evaluation.statistics import hand_joints
from llavataros_jax.motion.motion import Motion
from llavataros_jax.trained import open_trained
from tests.program.few_meanings import FPS, MEANINGS, write_few_meanings
from tests.program.way import run, start

pytest.importorskip("espeakng_loader")
pytestmark = [pytest.mark.slow, pytest.mark.long]


@dataclass(frozen=True)
class Corpus:
    """A folder of clips and the names of those that have held-out words."""

    folder: Path
    asked: list[str]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("synonyms") / "corpus"
    return Corpus(folder, write_few_meanings(folder, clips=20, asked=9))


@pytest.fixture(scope="module")
def shares(corpus: Corpus) -> dict[str, dict[bool, float]]:
    """Trains with both kinds of vectors at once; returns how often the gesture is right."""
    folder, kinds = corpus.folder.parent, ("wordllama", "hashed")
    options = {
        kind: [
            *("--config", "tests/program/synonyms.yaml", f"data.folder={corpus.folder}"),
            *(f"data.records={folder / kind}", f"training.run={folder / kind}_run"),
            *(f"text.kind={kind}", f"data.holdout_takes={','.join(corpus.asked)}"),
        ]
        for kind in kinds
    }
    for kind in kinds:
        run("-m", "data_prep", *options[kind])
    trainings = [start("-m", "llavataros_jax.train", *options[kind], fast=True) for kind in kinds]
    for training in trainings:
        text, _ = training.communicate(timeout=600)
        assert training.returncode == 0, text
    return {kind: right(corpus, folder / f"{kind}_run", folder / kind) for kind in kinds}


def right(corpus: Corpus, run_folder: Path, records: Path) -> dict[bool, float]:
    """Returns the share of apexes that are nearest to their meaning's mean pose in training.

    Its keys say whether the word was held out.
    """
    trained = open_trained(run_folder)

    def hands(motion: Motion) -> np.ndarray:
        return motion.positions[:, list(hand_joints(motion.skeleton).values())]

    seen: dict[str, list[np.ndarray]] = {}
    told = ClipReader(records, "train")
    for index, entry in enumerate(told.clips):
        clip = told[index]
        real = hands(trained.animator.codec.decode(clip["pose"], FPS, int(clip["speaker"])))
        for _, kind, frame in gestures(corpus, entry.name, len(real)):
            seen.setdefault(kind, []).append(real[frame])
    means = {kind: np.mean(poses, axis=0) for kind, poses in seen.items()}
    assert set(means) == set(MEANINGS)
    found: dict[bool, list[bool]] = {True: [], False: []}
    asked = ClipReader(records, "validation")
    for index, entry in enumerate(asked.clips):
        ours = hands(trained.animate(speech_of(asked[index])))
        for word, kind, frame in gestures(corpus, entry.name, len(ours)):
            nearest = min(
                means, key=lambda other: float(np.linalg.norm(ours[frame] - means[other]))
            )
            found[word in all_held_out()].append(nearest == kind)
    assert min(len(found[True]), len(found[False])) >= 20
    return {is_new: float(np.mean(rows)) for is_new, rows in found.items()}


def gestures(corpus: Corpus, clip: str, num_frames: int) -> list[tuple[str, str, int]]:
    """Returns word, meaning and frame of the apex of each gesture that is no beat."""
    words = json.loads((corpus.folder / f"{clip}.json").read_text())["words"]
    made = [
        (word["word"], word["gesture"], round(word["apex"] * FPS))
        for word in words
        if word.get("gesture", "beat") != "beat"
    ]
    return [row for row in made if row[2] < num_frames]


def test_held_out_synonyms_get_their_gesture_only_with_vectors_that_know_them(
    shares: dict[str, dict[bool, float]],
) -> None:
    print(shares)
    # One in eight would be right by chance; of hashed words those whose spelling tells are.
    assert shares["wordllama"][True] >= 0.6
    assert shares["hashed"][True] <= 0.35
    # Both have learned the words of training, of which only some twenty are asked for.
    assert shares["wordllama"][False] >= 0.55
    assert shares["hashed"][False] >= 0.35
