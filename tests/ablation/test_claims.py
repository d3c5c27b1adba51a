"""Verdicts: an interval on one side, on the other, on both, or none."""

import math

import numpy as np
import pytest

from llavataros.ablation.bootstrap import draw, mean_cell
from llavataros.ablation.built_in import GESTURES, HABITS
from llavataros.ablation.claims import ENOUGH_SEEDS, Claim, answer, claims
from llavataros_jax.evaluation.measure import mean
from llavataros_jax.evaluation.tally import Cell

CLIPS = [f"clip{n}" for n in range(12)]


def cell(shares: np.ndarray) -> Cell:
    """Returns the cell of shares (seeds, clips) of ten words each."""
    sums = {
        seed: {clip: np.array([10 * s, 10.0]) for clip, s in zip(CLIPS, row, strict=True)}
        for seed, row in enumerate(shares)
    }
    return mean_cell(sums, mean, draw({seed: CLIPS for seed in range(len(shares))}))


def table(**shares: float) -> dict[str, dict[str, Cell]]:
    noise = np.random.default_rng(2).normal(0, 0.05, (3, 12))
    return {GESTURES: {name: cell(share + noise) for name, share in shares.items()}}


def of_words(cells):
    found = answer(claims(2)[0], cells, seeds=4)
    assert found is not None
    return found


def test_a_difference_on_one_side_of_zero_is_shown() -> None:
    found = of_words(table(text=0.9, plus=0.8, cross=0.7, audio=0.25))
    assert found.value == pytest.approx(0.55)
    assert found.verdict == "shown"
    assert found.line().startswith(
        "text, plus, cross over audio on words with a gesture: +0.55 [+0.55, +0.55]"
    )


def test_a_difference_on_the_other_side_is_the_opposite() -> None:
    assert of_words(table(text=0.2, audio=0.3)).verdict == "the opposite is shown"


def test_few_seeds_show_nothing_yet() -> None:
    for shares, verdict in (((0.9, 0.2), "seems so"), ((0.2, 0.9), "the opposite seems so")):
        cells = table(text=shares[0], audio=shares[1])
        found = answer(claims(2)[0], cells, seeds=ENOUGH_SEEDS - 1)
        assert found is not None
        assert found.verdict == verdict


def test_a_difference_whose_interval_includes_zero_is_not_shown() -> None:
    noise = np.random.default_rng(9).normal(0, 0.3, (2, 3, 12))
    cells = {GESTURES: {"text": cell(0.5 + noise[0]), "audio": cell(0.5 + noise[1])}}
    found = of_words(cells)
    assert found.low < 0 < found.high
    assert found.verdict == "not shown"


def test_one_network_and_one_clip_say_nothing() -> None:
    nothing = Cell(0.9, math.nan, math.nan, np.zeros(0))
    found = of_words({GESTURES: {"text": nothing, "audio": nothing}})
    assert found.verdict == "cannot be said"
    assert "[" not in found.line()


def test_claims_without_their_variants_or_measures_are_left_out() -> None:
    assert answer(claims(2)[0], table(text=0.9, plus=0.8), seeds=4) is None
    assert answer(claims(2)[0], table(audio=0.9), seeds=4) is None
    assert answer(claims(2)[0], {}, seeds=4) is None


def test_less_is_better_where_the_claim_says_so() -> None:
    claim = Claim("{better} nearer than {worse}", GESTURES, ("plus",), ("neither",), sign=-1)
    found = answer(claim, table(plus=0.1, neither=0.3), seeds=4)
    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert found.verdict == "shown"


def test_habits_are_held_against_chance() -> None:
    """Half of the bodies right is what two speakers give by chance, and eight do not."""
    cells = {HABITS: {"text": cell(np.tile([[0.0, 1.0]], (3, 6)))}}
    found = {speakers: answer(claims(speakers)[-1], cells, seeds=4) for speakers in (2, 8)}
    assert {n: one.verdict for n, one in found.items() if one} == {2: "not shown", 8: "shown"}
    assert found[8] is not None
    assert found[8].line().startswith("speakers keep their habits (text; by chance 0.12): 0.5 [0.")
