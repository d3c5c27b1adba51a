"""The comparison of animation at a tiny size: the same poses, or nothing is timed."""

import json

import numpy as np
import pytest

from llavataros.benchmark import animate
from llavataros.benchmark.animate_task import Way
from llavataros_jax.errors import UserError


def way(poses: np.ndarray) -> Way:
    row = {"side": "PyTorch", "way": "float32, by segments", "compute_dtype": "float32"}
    return Way(row, lambda: [poses])


@pytest.mark.parametrize("added", [0.0, 1e-2, np.nan])
def test_other_poses_are_refused(added):
    poses = np.linspace(-2, 2, 12).reshape(4, 3)
    ways = [way(poses), way(poses + added)]
    if added == 0:
        assert animate.checked(ways)[1].startswith("PyTorch, float32, by segments: poses differ")
        return
    with pytest.raises(UserError, match="another motion, so nothing is timed: PyTorch, float32"):
        animate.checked(ways)


@pytest.mark.slow
def test_all_give_the_same_poses_and_are_timed_and_written(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.setattr(animate, "dtypes", lambda: ("float32",))
    monkeypatch.setitem(animate.TOLERANCES, "float32", 1e-5)
    found = animate.run(2, size="small", out=tmp_path, seconds=1)
    assert json.loads((tmp_path / "animate.json").read_text()) == found
    rows = {(row["side"], row["way"]): row for row in found["rows"]}
    one, many = rows["ours", "float32, one"], rows["ours", "float32, 4 in lanes"]
    assert one["times_pytorch"] > 0
    assert len(many["seconds"]) == 2
    assert one["frames_per_second"] == pytest.approx(30 * one["times_real_time"])
    lines = (tmp_path / "animate.md").read_text().splitlines()
    assert lines[0] == "# 0.8 s of two people's speech animated, small size"
    assert sum(line.startswith("| ours |") for line in lines) == 2
    assert "PyTorch, float32, by segments: poses differ by" in capsys.readouterr().out
