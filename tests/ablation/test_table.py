"""The table in words, as numbers and as a picture, from sums that are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from llavataros.ablation.built_in import GESTURES, HABITS
from llavataros.ablation.measurement import PREDICTED, REAL
from llavataros.ablation.picture import draw_comparison
from llavataros.ablation.table import compare, markdown, plain

ERROR = "position_error_metres"
HELD_OUT = {1: ("a", "b"), 2: ("c", "d")}


def sums(share: float, error: float) -> dict:
    """Returns by seed what a network got right of ten words in each clip."""
    return {
        seed: {
            (PREDICTED, GESTURES): {clip: np.array([10 * share, 10.0]) for clip in clips},
            (PREDICTED, ERROR): {clip: np.array([error, 1.0]) for clip in clips},
            (PREDICTED, "stroke_contrast"): {},
            (REAL, GESTURES): {clip: np.array([10.0, 10.0]) for clip in clips},
        }
        for seed, clips in HELD_OUT.items()
    }


@pytest.fixture(scope="module")
def comparison():
    measured = {"neither": sums(0.2, 0.3), "text": sums(0.8, 0.1), "audio": sums(0.25, np.nan)}
    settings = {"command": "llavataros ablate", "steps": 12}
    return compare(measured, HELD_OUT, speakers=2, settings=settings)


def test_the_table_has_measures_by_variants(comparison) -> None:
    text = markdown(comparison)
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert rows[0] == ["measure", "real", "neither", "text", "audio"]
    assert rows[2][1:] == ["1 [1, 1]", "0.2 [0.2, 0.2]", "0.8 [0.8, 0.8]", "0.25 [0.25, 0.25]"]
    assert rows[3][0].endswith("(m) ↓")
    assert rows[3][1:] == ["", "0.3 [0.3, 0.3]", "0.1 [0.1, 0.1]", "–"]
    assert len(rows) == 4
    assert "- text over audio on words with a gesture: +0.55 [+0.55, +0.55] · seems so" in text
    assert "2 seeds, 4 held-out clips, 12 steps each" in text
    assert "Of fewer than 4 seeds" in text


def test_what_nobody_measured_is_no_claim(comparison) -> None:
    assert {one.measure for one in comparison.answers} == {GESTURES}
    assert HABITS not in comparison.cells


def test_numbers_are_json_without_nan(comparison) -> None:
    tree = json.loads(json.dumps(plain(comparison), allow_nan=False))
    assert tree["table"][ERROR]["columns"]["audio"]["value"] is None
    assert tree["table"][GESTURES]["columns"]["text"]["value"] == pytest.approx(0.8)
    assert tree["held_out"] == {"1": ["a", "b"], "2": ["c", "d"]}


def test_the_picture_is_drawn_of_whatever_there_is(comparison, tmp_path: Path) -> None:
    draw_comparison(tmp_path / "a.png", comparison)
    assert (tmp_path / "a.png").stat().st_size > 5000
