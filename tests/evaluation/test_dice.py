"""The door of gesture areas: its figures, and its refusals in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.evaluate.dice import main
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from tests.evaluation.people import standing

SAMPLE = Path(__file__).parents[3] / "shared/data/bvh/gac_sample1.bvh"


def body(tmp_path, name, *, lift=0.0, spread=0.3):
    """Writes nine joints in a row of which the last rises; they all start in the square."""
    motion = standing({8: np.linspace([0, 0, 0], [spread, 0.4, 0], 30)}, num_frames=30)
    frames = motion.frames.copy()
    frames[..., 1] += lift
    write_bvh(tmp_path / name, Motion(frames, 30.0, motion.skeleton))
    return str(tmp_path / name)


def test_dice_of_a_file_with_itself_and_with_another(tmp_path, capsys):
    first, second = body(tmp_path, "a.bvh"), body(tmp_path, "b.bvh", spread=-0.3)
    assert main([first, first]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "dice 1.000000"
    assert main([first, second]) == 0
    out = capsys.readouterr().out
    score = float(out.splitlines()[0].split()[1])
    areas = [int(line.split(": ")[1].split()[0]) for line in out.splitlines()[1:]]
    assert 0 < score < 1
    assert score == pytest.approx(2 * areas[2] / (areas[0] + areas[1]), abs=1e-6)


def test_published_area(capsys):
    if not SAMPLE.is_file():
        pytest.skip(f"{SAMPLE} is not here")
    assert main([str(SAMPLE), str(SAMPLE)]) == 0
    assert ": 60195 cells of 5 mm, 0 its alone" in capsys.readouterr().out


def test_what_leaves_the_square_is_told(tmp_path, capsys):
    partly, whole = body(tmp_path, "a.bvh", lift=1.0), body(tmp_path, "b.bvh", lift=9.0)
    assert main([partly, partly]) == 0
    assert "lie outside of the square of 2 m" in capsys.readouterr().err
    assert main([partly, whole]) == 2
    assert "b.bvh has 100% of its joints outside" in capsys.readouterr().err


def test_refusals_are_sentences(tmp_path, capsys):
    first = body(tmp_path, "a.bvh")
    assert main([first, str(tmp_path / "none.bvh")]) == 2
    assert "none.bvh does not exist" in capsys.readouterr().err
    assert main([first, first, "--metres-per-unit", "nan"]) == 2
    assert "--metres-per-unit must be a positive length, not nan" in capsys.readouterr().err
    stump = tmp_path / "stump.bvh"
    stump.write_text(
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 9 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n"
    )
    assert main([first, str(stump)]) == 2
    assert "stump.bvh has 1 joints" in capsys.readouterr().err
