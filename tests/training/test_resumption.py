"""What may differ when a run goes on."""

from pathlib import Path

import pytest

from llavataros_jax.config import Config
from llavataros_jax.config.file import with_overrides
from llavataros_jax.errors import UserError
from llavataros_jax.training.resumption import continued

FLOW = with_overrides(Config(), ["model.head=flow", "training.steps=9"])


@pytest.mark.parametrize(
    "override", ["flow.steps=5", "flow.temperature=0.5", "flow.guidance=2", "film.idle=1"]
)
def test_how_a_sample_is_drawn_may_change(override: str) -> None:
    now = with_overrides(FLOW, [override])
    assert continued(Path("run"), FLOW, now) == (now, [])


@pytest.mark.parametrize("override", ["flow.blocks=2", "flow.pace=false", "model.head=regression"])
def test_what_the_head_has_learned_may_not(override: str) -> None:
    with pytest.raises(UserError, match=f"{override.split('=')[0]} was"):
        continued(Path("run"), FLOW, with_overrides(FLOW, [override]))


def test_how_many_segments_a_step_reads_may_not() -> None:
    """By it the state's step tells how far the lanes have read."""
    with pytest.raises(UserError, match=r"training\.accumulate_segments was 1 and is now 2"):
        now = with_overrides(FLOW, ["training.accumulate_segments=2"])
        continued(Path("run"), FLOW, now)


def test_where_clips_lie_in_training_may_change() -> None:
    now = with_overrides(FLOW, ["data.resident=on"])
    assert continued(Path("run"), FLOW, now) == (now, [])


def test_how_clips_are_dealt_stays_and_is_said() -> None:
    began = with_overrides(FLOW, ["training.dealing=epochs"])
    assert continued(Path("run"), began, FLOW) == (
        began,
        ["training.dealing=epochs, with which this run began, instead of stream"],
    )
    assert continued(Path("run"), began, began) == (began, [])
