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


@pytest.mark.parametrize(
    "override", ["training.accumulate_segments=2", "optimizer.first_moment_dtype=bfloat16"]
)
def test_what_the_state_is_read_by_may_not(override: str) -> None:
    """The step tells how far lanes have read, in segments of a step; moments have their type."""
    with pytest.raises(UserError, match=f"{override.split('=')[0]} was"):
        continued(Path("run"), FLOW, with_overrides(FLOW, [override]))


@pytest.mark.parametrize("override", ["data.resident=on", "training.deterministic=true"])
def test_what_gives_the_same_steps_may_change(override: str) -> None:
    now = with_overrides(FLOW, [override])
    assert continued(Path("run"), FLOW, now) == (now, [])


def test_how_clips_are_dealt_stays_and_is_said() -> None:
    began = with_overrides(FLOW, ["training.dealing=epochs"])
    assert continued(Path("run"), began, FLOW) == (
        began,
        ["training.dealing=epochs, with which this run began, instead of stream"],
    )
    assert continued(Path("run"), began, began) == (began, [])
