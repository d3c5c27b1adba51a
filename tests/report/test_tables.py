"""Tables as HTML: read by a parser that is not ours."""

import math
import re
from xml.etree import ElementTree

import pytest

from llavataros_jax.report.clip_table import MOST_CLIPS, clip_table
from llavataros_jax.report.heading import heading
from llavataros_jax.report.interval_plot import WIDTH, interval_plot
from llavataros_jax.report.repeat import repeat
from llavataros_jax.report.value_table import value_table
from tests.report.made_up import cell, result


def tree(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<x>{markup}</x>")


def written(element) -> str:
    return "".join(element.itertext())


def rows_of(markup: str, kind: str) -> list[list[str]]:
    table = tree(markup).find(f".//table[@class='{kind}']")
    assert table is not None
    return [[written(cell) for cell in row] for row in table.findall("./tbody/tr")]


def test_columns_are_grouped_and_every_row_is_as_wide_as_the_head():
    markup = value_table(result())
    above, below = tree(markup).findall(".//thead/tr")
    groups = [(written(h), h.get("colspan")) for h in above if h.get("colspan")]
    assert groups == [
        ("the system", "1"), ("recorded", "2"), ("anchors: other motion", "1")
    ]  # fmt: skip
    assert [written(head) for head in below] == ["predicted", "real", "halves", "mean pose"]
    assert {len(row) for row in rows_of(markup, "values")} == {2 + len(below)}


def test_cells_have_value_and_interval_and_say_what_cannot_be():
    markup = value_table(result())
    rows = {row[0]: row[2:] for row in rows_of(markup, "values")}
    error, hands, ratio, frechet = rows.values()
    assert error == ["0.200[0.100, 0.300]", "", "", "0.150[0.100, 0.200]"]
    assert hands[:2] == ["0.310[0.280, 0.350]", "0.420[0.400, 0.440]"]
    assert ratio == ["0.800[0.700, 0.900]", "–", "", "–"]
    assert frechet == ["2.00·10−5", "", "1.00·10−5", "–"]
    first = next(iter(rows))
    for part in ("position error", "↓ low", "Means position_error.", "Paper of position_error."):
        assert part in first
    assert "Nothing to measure for: diversity." in written(tree(markup))


def test_the_plot_has_places_in_the_order_of_values():
    markup = interval_plot(
        cell(0.2, 0.1, 0.3), cell(0.6, 0.5, 0.7), [cell(0.4), cell(90.0), cell(math.nan)],
        towards="one",
    )  # fmt: skip
    svg = ElementTree.fromstring(markup)
    circle = svg.find("circle")
    assert circle is not None
    places = [float(circle.attrib["cx"])]
    for name in ("anchor", "real", "ideal"):
        found = [p.attrib["d"] for p in svg.findall("path") if p.get("class") == name]
        assert len(found) == 1, name
        places.append(float(found[0][1:].split()[0]))
    assert places == sorted(places)
    assert 0 < places[0] < places[-1] < WIDTH


@pytest.mark.parametrize("value", [0.0, -3.0, 1e9])
def test_a_single_value_has_a_place(value):
    svg = ElementTree.fromstring(interval_plot(cell(value), None, [], towards="low"))
    circle = svg.find("circle")
    assert circle is not None
    assert float(circle.attrib["cx"]) == WIDTH / 2
    assert interval_plot(cell(math.nan), None, [], towards="low") == ""


def test_clips_have_values_that_sort_as_numbers():
    markup = clip_table(result())
    body = tree(markup).find(".//tbody")
    assert body is not None
    assert rows_of(markup, "clips sortable")[1] == ["b&b", "0.100", "0.100real 0.200"]
    keys = [[cell.get("data-value") for cell in row] for row in body]
    assert keys == [["<script>alert('x')</script>", "0.3", "0.3"], ["b&b", "0.1", "0.1"]]


def test_more_clips_than_can_be_read_are_in_the_file():
    markup = clip_table(result({f"clip {n}": n / 7 for n in range(MOST_CLIPS + 3)}))
    assert len(rows_of(markup, "clips sortable")) == MOST_CLIPS
    assert "3 more clips are in the JSON file." in markup


def test_nothing_that_strangers_wrote_is_markup():
    made = result()
    markup = heading(made) + value_table(made) + clip_table(made) + repeat(made)
    tags = set(re.findall(r"<(\w+)", markup))
    assert not tags & {"script", "run", "none", "i", "wins"}
    words = written(tree(markup))
    for part in ("best/12 of <b>runs</b>", "Noise <wins>.", "No <i>weights</i> are", "'<run>'"):
        assert part in words


def test_the_heading_names_what_numbers_depend_on():
    words = written(tree(heading(result())))
    for part in ("torso v3", "validation", "4.0 s", "arms & hips", "30"):
        assert part in words
    assert "Doubtful" not in heading(result(warnings=()))
