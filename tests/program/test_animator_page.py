"""docs/animator.md, line by line, on two seconds of speech and an avatar that is made here."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.npy import read_npy
from tests.backend import ROOT
from tests.program.page import run_page
from tests.rig import rigs

pytestmark = pytest.mark.slow
SECONDS = 2.0


def _bring(folder: Path) -> None:
    """Puts down what a reader of the page has."""
    with soundfile.SoundFile(ROOT / "corpus" / "ada_4.flac") as file:
        rate = file.samplerate
        soundfile.write(folder / "speech.wav", file.read(round(SECONDS * rate)), rate)
    words = json.loads((ROOT / "corpus" / "ada_4.json").read_text())["words"]
    words = [word for word in words if word["end"] < SECONDS]
    (folder / "speech.txt").write_text(" ".join(word["word"] for word in words))
    cues = ((w["start"], w["end"], w["word"]) for w in words)
    (folder / "speech.srt").write_text(
        "\n".join(
            f"{n}\n00:00:{start:06.3f} --> 00:00:{end:06.3f}\n{text}\n".replace(".", ",")
            for n, (start, end, text) in enumerate(cues, 1)
        )
    )
    rigs.Rig(names=rigs.strange, vrm=1).write(folder / "avatar.vrm")
    rigs.Rig(lowered_degrees=45).write(folder / "other.glb")


def test_every_line_does_what_the_page_says(
    command: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bring(tmp_path)
    monkeypatch.chdir(tmp_path)
    printed = run_page(
        "animator.md",
        command,
        more={"animate": ["film.width=160", "film.height=120", "words.aligner=pocketsphinx"]},
        elsewhere={"make": _is_in_the_makefile, "source": lambda words: None},
    )
    for name in ("speech.mov", "speech.bvh", "speech_5.bvh", "speech.glb", "speech.vrma"):
        path = tmp_path / "outputs" / name
        assert path.stat().st_size > 0, name
    assert "file://" not in (tmp_path / "speech.html").read_text()
    for blender in (tmp_path / "blender").glob("*.bvh"):
        joints = read_bvh(blender).skeleton.names
        assert {"Hips", "LeftArm", "LeftForeArm", "LeftHand"} <= set(joints)
    poses = read_npy(tmp_path / "outputs" / "speech.npy", fps=30).positions
    assert len(poses) == round(SECONDS * 30)
    assert np.ptp(poses, axis=0).max() > 0
    assert all("wrote" in text for text in printed.values())


def _is_in_the_makefile(words: list[str]) -> None:
    assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text()
