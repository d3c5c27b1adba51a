"""The table in words, as numbers and as a picture, from sums that are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from llavataros.ablation.measurement import PREDICTED, REAL
from llavataros.heads.measurement import ANOTHER_TIME, SIZE
from llavataros.heads.measures import ALIGNMENT, FGD, JERK_RATIO, STRANGER
from llavataros.heads.picture import draw_heads
from llavataros.heads.rows import choose_rows
from llavataros.heads.table import aligned, centred, markdown, plain, tabulate
from llavataros_jax.evaluation.catalogue.movement import HAND_SPEED_RATIO
from llavataros_jax.evaluation.measure import Measure, mean
from llavataros_jax.evaluation.tally import Cell

CLIPS = ("a", "b", "c", "d")


def measure(key: str, *, distribution: bool = False) -> Measure:
    return Measure(key, f"the {key}", "…", "", lambda take: None, mean, distribution=distribution)


MEASURES = (
    HAND_SPEED_RATIO,
    measure(JERK_RATIO.key),
    measure(FGD, distribution=True),
    measure(ALIGNMENT),
)


def sums(*samples: float) -> dict:
    """Returns by clip the sums of samples; clips differ by tenths about the value."""
    return {
        clip: np.array([part for value in samples for part in (value + tenth, 1.0)])
        for clip, tenth in zip(CLIPS, (-0.15, -0.05, 0.05, 0.15), strict=True)
    }


def row(speed: tuple[float, ...], fgd: tuple[float, ...], share: tuple[float, ...]) -> dict:
    half = tuple(0.5 for _ in share)
    return {
        (PREDICTED, HAND_SPEED_RATIO.key): sums(*speed),
        (PREDICTED, JERK_RATIO.key): sums(*speed),
        (PREDICTED, FGD): sums(*fgd),
        (PREDICTED, ALIGNMENT): sums(*share),
        (ANOTHER_TIME, ALIGNMENT): sums(*half),
        (REAL, ALIGNMENT): sums(0.9),
        (REAL, HAND_SPEED_RATIO.key): sums(1.0),
    }


@pytest.fixture(scope="module")
def table():
    measured = {
        "regression": {1: row((0.4,), (30.0,), (0.7,))},
        "gain": {1: {**row((1.0,), (20.0,), (0.7,)), SIZE: {"all": np.array([2.5])}}},
        "flow-2": {1: row((0.8, 1.2), (9.0, 11.0), (0.7, 0.8))},
    }
    settings = {"command": "llavataros heads", "seeds": 1, "steps": 12, "samples": 2}
    settings |= {"clips": 4, "minutes": 1.5}
    rows = choose_rows(",".join(measured))
    return tabulate(
        rows, measured, MEASURES, CLIPS, samples=2, settings=settings, notes=["not measured: tea"]
    )


def test_samples_are_averaged_and_what_is_more_than_the_gain_is_paired(table) -> None:
    assert list(table.cells) == ["real", "regression", "gain", "flow-2"]
    assert table.cells["flow-2"][FGD].value == pytest.approx(10.0)
    assert table.cells["flow-2"][STRANGER].value == pytest.approx(0.5)
    # Clips are as hard for one as for the other, so a paired difference has no spread.
    less = table.against["flow-2"][FGD]
    assert (less.value, less.low, less.high) == pytest.approx((-10.0, -10.0, -10.0))
    spread = table.cells["flow-2"][FGD]
    assert spread.high - spread.low > 0.1


def test_the_table_has_heads_by_measures(table) -> None:
    text = markdown(table)
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert rows[0][1:3] == ["hand speed / real → 1", f"the {JERK_RATIO.key} → real"]
    assert [cells[0] for cells in rows[2:6]] == ["real", "regression", "gain", "flow-2"]
    assert rows[2][3] == ""
    assert rows[5][3].startswith("10 [9.9")
    assert rows[6][1:] == [f"the {FGD}", f"the {ALIGNMENT}"]
    assert rows[9] == ["flow-2", "-10 [-10, -10]", "+0.05 [+0.05, +0.05]"]
    assert "(film.size=2.50)" in text
    assert "1 network of each training, 12 steps, 4 held-out clips of 1.5 minutes" in text
    assert "- not measured: tea" in text


def test_numbers_are_json_without_nan(table) -> None:
    tree = json.loads(json.dumps(plain(table), allow_nan=False))
    assert tree["rows"]["gain"]["film_size"] == 2.5
    assert tree["rows"]["flow-2"]["cells"][FGD]["value"] == pytest.approx(10.0)
    assert tree["rows"]["flow-2"]["dials"] == ["flow.steps=2"]
    assert tree["rows"]["real"]["says"] == "the recorded motion"


def test_distances_lie_about_their_value() -> None:
    draws = np.linspace(5.0, 9.0, 101)
    moved = centred(Cell(4.0, 5.1, 8.9, draws))
    assert np.median(moved.draws) == pytest.approx(4.0)
    assert (moved.low, moved.high) == pytest.approx((2.1, 5.9))
    assert centred(Cell(1.0, 5.1, 8.9, draws)).low == 0.0


def test_columns_are_under_each_other() -> None:
    assert aligned([["", "a"], ["row", "1.25"]]).splitlines() == [
        *("|     |    a |", "| --- | ---: |", "| row | 1.25 |")
    ]


@pytest.mark.slow
def test_the_picture_is_drawn_of_whatever_there_is(table, tmp_path: Path) -> None:
    draw_heads(tmp_path / "a.png", table)
    assert (tmp_path / "a.png").stat().st_size > 20_000
