"""Real voices beside the gesturer's own motion: what is compared, and with whom."""

from pathlib import Path

import numpy as np
import pytest

from llavataros.benchmark import gestures
from llavataros.benchmark.__main__ import main
from llavataros_jax.errors import UserError


def test_silence_is_a_second_from_any_word():
    spoken = np.zeros(120, bool)
    spoken[50:60] = True
    still = gestures._silence(spoken, 30)
    np.testing.assert_array_equal(np.flatnonzero(~still), np.arange(20, 90))


def test_it_needs_recordings(capsys):
    assert main(["--gestures", "starter"]) == 2
    assert "--gestures needs --recordings" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_other_speakers_is_refused_and_one_of_theirs_is_measured(
    way: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    corpus = Path(__file__).parents[2] / "corpus"
    for suffix in (".flac", ".json"):
        (tmp_path / f"ada_1{suffix}").write_bytes((corpus / f"ada_1{suffix}").read_bytes())
    gestures.run(tmp_path, way / "run")
    said = capsys.readouterr().out.splitlines()
    assert [line[:30].strip() for line in said[1:]] == [
        *(f"ada_1, {kind}" for kind in ("words", "sound alone")),
        *(f"all, {kind}" for kind in ("words", "sound alone")),
    ]
    values = np.array([line[30:].split() for line in said[1:]], float)
    assert np.isfinite(values[:, :5]).all()
    monkeypatch.setattr(gestures, "STYLES", {"zoe": None})
    with pytest.raises(UserError, match="knows none of zoe"):
        gestures.run(tmp_path, way / "run")
