"""`llavataros ablate` on the bundled corpus: trained, measured, compared; then nothing twice."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_an_ablation_from_records_to_a_table(
    way: Path, tmp_path: Path, command: Callable[..., str]
) -> None:
    out = tmp_path / "ablation"
    words = ("ablate", "--config", "tiny", "--variants", "audio,text")
    words += ("--seeds", "1", "--jobs", "2", "--out", str(out), "training.steps=4")
    words += ("training.checkpoint_every=2", f"data.records={way / 'records'}")
    said = command(*words)
    assert "Train and measure 2 networks of 4 steps, 2 at a time" in said
    assert "1 of them with --seeds 1; --seeds 4 holds out every take" in said
    result = json.loads((out / "ablation.json").read_text())
    assert result["finished"]
    assert result["held_out"] == {"1": ["ada_4", "ben_4"]}
    columns = result["table"]["own_gesture_share"]["columns"]
    assert list(columns) == ["real", "text", "audio"]
    assert columns["real"]["value"] == 1.0
    # Nobody learns anything in 4 steps.
    assert columns["text"]["value"] < 0.5
    for column in result["table"]["position_error_metres"]["columns"].values():
        assert column["low"] <= column["value"] <= column["high"]
        assert math.isfinite(column["high"])
    claims = [(one["claim"], one["verdict"]) for one in result["claims"]]
    assert ("text over audio on words with a gesture", "not shown") in claims
    assert (out / "ablation.png").stat().st_size > 5000
    assert (out / "ablation.md").read_text() in said
    before = (out / "text_1" / "versions.json").read_text()
    again = command(*words)
    assert "Train and measure 0 networks of 4 steps, 2 at a time; 2 are done already" in again
    assert (out / "text_1" / "versions.json").read_text() == before
    assert json.loads((out / "ablation.json").read_text())["table"] == result["table"]
