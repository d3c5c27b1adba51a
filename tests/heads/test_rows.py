"""The rows: what they are, which share a training, and what is refused."""

import pytest

from llavataros.ablation.parts import Part
from llavataros.heads.plan import Plan, plan_trainings
from llavataros.heads.rows import PRE_TRAINED, ROWS, choose_rows, part_dials
from llavataros_jax.config.file import load_config
from llavataros_jax.errors import UserError


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_row_is_a_valid_config_that_says_what_its_name_does(row) -> None:
    config = load_config("tiny", [*row.overrides, *row.dials])
    assert config.model.head == ("flow" if row.is_sampled else "regression")
    name = row.name
    assert (config.model.lookahead_frames or 0) == (
        int(name.split("-")[-1]) if "ahead" in name else 0
    )
    if name.startswith("flow-") and "ahead" not in name:
        assert config.flow.steps == int(name.split("-")[1])
    assert (config.flow.history_frames > 0) == name.startswith("history")
    assert (config.flow.noise_correlation == 0) == (name == "uncorrelated")
    assert config.flow.pace != (name == "no-pace")
    assert (config.flow.target == "residual") == (name == "residual")


def test_rows_that_share_a_training_have_its_options() -> None:
    options: dict[str, set] = {}
    for row in ROWS.values():
        options.setdefault(row.training, set()).add(row.overrides)
    assert all(len(found) == 1 for found in options.values())
    assert {row.name for row in ROWS.values() if row.training == "flow"} == {
        *("flow-1", "flow-2", "flow-5", "flow-20")
    }
    assert ROWS["gain"].training == "regression"


def test_rows_are_chosen_in_the_tables_order() -> None:
    assert [row.name for row in choose_rows("flow-2, gain")] == ["gain", "flow-2"]
    assert {row.name for row in choose_rows(None)} == set(ROWS) - {PRE_TRAINED}
    (started,) = choose_rows(PRE_TRAINED, start_from="runs/odd: name")
    config = load_config("tiny", started.overrides)
    assert config.training.start_from == "runs/odd: name"


def test_a_curve_has_rows_and_trainings_for_all_minutes() -> None:
    rows = choose_rows(None, minutes=(1, 2.5))
    assert [row.name for row in rows] == [
        *("regression-1min", "regression-2.5min", "flow-2-1min", "flow-2-2.5min")
    ]
    assert [row.training for row in rows][2:] == ["flow-1min", "flow-2.5min"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": "gain,magic"}, "'magic', which is no row; there are regression, gain"),
        ({"text": " , "}, "names no row"),
        ({"text": "gain,gain"}, "names gain twice"),
        ({"text": PRE_TRAINED}, "needs a run to start from; name it with --start-from"),
        ({"text": "gain", "start_from": "runs/a"}, "no effect without the row pre-trained"),
    ],
)
def test_wrong_rows_are_refused(options, said) -> None:
    with pytest.raises(UserError, match=said):
        choose_rows(**options)


def test_dials_are_no_part_of_training() -> None:
    training, dials = part_dials(["model.dropout=0", "flow.temperature=0.8", "film.smooth=false"])
    assert training == ("model.dropout=0",)
    assert dials == ("flow.temperature=0.8", "film.smooth=false")
    with pytest.raises(UserError, match=r"'model.head=flow' is set by rows and seeds"):
        part_dials(["model.head=flow"])


def test_dials_of_samples_are_not_for_a_regression(tmp_path) -> None:
    rows = choose_rows("regression,flow-5")
    parts = {row.training: Part(tmp_path, ()) for row in rows}
    runs = plan_trainings(rows, parts, seeds=2, config="tiny", overrides=(), out=tmp_path)
    assert [run.name for run in runs["flow-5"]] == ["flow_1", "flow_2"]
    dials = ("flow.temperature=0.8", "film.smooth=false")
    plan = Plan(rows, runs, tmp_path, dials, 3, tmp_path / "e", None)
    assert plan.dials_of(rows[0]) == ("film.smooth=false",)
    assert plan.dials_of(rows[1]) == (*dials, "flow.steps=5")
    assert [plan.samples_of(row) for row in rows] == [1, 3]
