"""Tables are Markdown that fits a terminal, and never mix what was measured differently."""

import dataclasses
import math

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.measure import Measure, mean
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.tally import Cell
from llavataros_jax.evaluation.text_table import (
    format_comparison,
    format_interval,
    format_number,
    format_table,
)


def measure(key: str, title: str, **kind) -> Measure:
    return Measure(key, title, "It is.", "closed form", lambda take: None, mean, **kind)


MEASURES = (
    measure("jerk_metres_per_second3", "jerk (m/s³)"),
    measure("fd_g_metres2", "FD_g (m²)", towards="low", distribution=True),
    measure("beats", "beat alignment", towards="high", hears=True),
    measure("ratio", "amplitude / real", towards="one", compares=True),
    measure("bias", "bias", towards="zero"),
    measure("samples", "diversity of samples", towards="none", several=True),
)
PROTOCOL = Protocol(
    name="torso",
    version=2,
    says="Made up.",
    fps=None,
    joints="made up",
    measures=MEASURES,
    columns=COLUMNS,
    prepare=lambda performance: performance,
    settings={"quirks": "reproduced"},
    lacks=("weights that nobody has",),
)


def cell(value: float, width: float = 0.1) -> Cell:
    return Cell(value, value - width, value + width, np.zeros(3))


def result(**changes) -> Result:
    cells = {
        one.key: {c.key: cell(1.0) for c in COLUMNS if c.suits(one) and c.key != "gain"}
        for one in MEASURES
    }
    cells["beats"]["predicted"] = cell(math.nan, math.nan)
    parts = {
        "protocol": PROTOCOL,
        "system": "ours",
        "split": "validation",
        "clips": 2,
        "seconds": 20.0,
        "joints": ("hips", "hand"),
        "fps": 30.0,
        "cells": cells,
        "by_clip": {"a": {}, "b": {}},
        "warnings": ("it is made up",),
    }
    return Result(**{**parts, **changes})


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Reads a Markdown table by its first column and its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heading, _, *rows = ([part.strip() for part in line[1:-1].split("|")] for line in lines)
    return {row[0]: dict(zip(heading[1:], row[1:], strict=True)) for row in rows}


def test_the_table_has_its_heading_warnings_and_what_it_lacks():
    text = format_table(result())
    assert text.startswith("protocol torso v2, ours, split validation: 2 clips, 20.0 s, 2 joints")
    assert "warning: it is made up" in text
    assert "lacks: weights that nobody has" in text
    assert "settings: quirks: reproduced" in text


def test_cells_say_what_could_not_be_measured_and_what_makes_no_sense():
    cells = result().cells
    rows = parsed(format_table(result(cells={**cells, "bias": {"gain": cell(0.25)}})))
    assert rows["jerk (m/s³)"]["predicted"] == "1 [0.9, 1.1]"
    assert rows["jerk (m/s³)"]["real"] == "1"
    assert rows["jerk (m/s³)"]["real halves"] == ""
    assert rows["jerk (m/s³)"]["gain"] == "–"
    assert rows["FD_g (m²)"]["real"] == ""
    assert rows["FD_g (m²)"]["real halves"] == "1"
    assert rows["beat alignment"]["predicted"] == "–"
    assert rows["beat alignment"]["mismatched"] == "1"
    assert rows["amplitude / real"]["real"] == ""
    assert rows["bias"]["predicted"] == "–"
    assert rows["bias"]["gain"] == "0.25"
    assert [row["good"] for row in rows.values()] == ["≈ real", "low", "high", "≈ 1", "≈ 0", ""]


def test_columns_that_nothing_fills_are_left_out():
    rows = parsed(format_table(result()))
    assert list(rows["bias"]) == [
        *("good", "predicted", "real", "real halves", "mismatched", "shifted", "mean pose")
    ]


def test_columns_can_be_chosen():
    rows = parsed(format_table(result(), columns=["noise", "predicted"]))
    assert list(rows["bias"]) == ["good", "noise", "predicted"]
    with pytest.raises(UserError, match="torso has no column 'gian'; there are predicted, real"):
        format_table(result(), columns=["gian"])


def test_the_table_fits_a_terminal_with_long_titles_and_numbers():
    long = tuple(
        dataclasses.replace(one, title=f"{one.title}, which is explained at great length")
        for one in MEASURES
    )
    wide = {
        one.key: {c.key: cell(-0.000123456, 0.0000987) for c in COLUMNS if c.suits(one)}
        for one in MEASURES
    }
    protocol = dataclasses.replace(PROTOCOL, measures=long)
    lines = format_table(result(protocol=protocol, cells=wide)).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {len(line) for line in table} == {len(table[0])}
    assert len(table[0]) <= 160
    assert "…" in table[2]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.123456, "0.123"),
        (12345.6, "12346"),
        (-1234.0, "-1234"),
        (0.0, "0"),
        (1e-5, "1e-05"),
        (3.2e7, "3.2e+07"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_three_digits(number, text):
    assert format_number(number) == text


def test_a_value_may_have_no_interval():
    assert format_interval(Cell(0.5, math.nan, math.nan, np.zeros(0))) == "0.5"
    assert format_interval(cell(math.nan)) == "–"


def test_a_comparison_puts_systems_beside_the_recorded_motion():
    other = result(system="theirs", cells={"bias": {"predicted": cell(3.0)}}, warnings=())
    text = format_comparison([result(), other])
    rows = parsed(text)
    assert list(rows["bias"]) == ["good", "ours", "theirs", "real", "real halves"]
    assert rows["bias"]["ours"] == "1 [0.9, 1.1]"
    assert rows["bias"]["theirs"] == "3 [2.9, 3.1]"
    assert rows["beat alignment"]["theirs"] == "–"
    assert text.startswith("protocol torso v2, split validation: 2 clips")
    assert "warning, ours: it is made up" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"protocol": dataclasses.replace(PROTOCOL, name="genea")}, "torso v2 and genea v2"),
        ({"protocol": dataclasses.replace(PROTOCOL, version=1)}, "torso v2 and torso v1"),
        ({"protocol": dataclasses.replace(PROTOCOL, settings={})}, "settings, quirks.*and none"),
        ({"split": "train"}, "split, validation and train"),
        ({"joints": ("hips", "head")}, r"joints, 2 \(hips, hand\) and 2 \(hips, head\)"),
        ({"fps": 25.0}, "rate, 30 frames per second and 25"),
        ({"by_clip": {"a": {}, "c": {}}}, r"clips, 2 \(a, b\) and 2 \(a, c\)"),
    ],
)
def test_what_was_measured_differently_is_not_compared(changes, says):
    with pytest.raises(UserError, match=f"ours and theirs cannot stand in one table.*{says}"):
        format_comparison([result(), result(system="theirs", **changes)])


def test_nothing_is_no_comparison():
    with pytest.raises(UserError, match="needs a result"):
        format_comparison([])
