"""The command that fits an alignment model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros_jax.alignment.file import open_alignment
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.evaluate.fit_alignment import main
from llavataros_jax.weights.safetensors_file import read_texts
from tests.alignment.synthetic import NAMES, talk

CORPUS = Path(__file__).parents[2] / "corpus"


@pytest.fixture(scope="module")
def joints(tmp_path_factory) -> tuple[Path, Path]:
    """Writes positions and sound of four clips, the last without sound."""
    folder = tmp_path_factory.mktemp("joints")
    clips = {}
    (folder / "wav").mkdir()
    for number in range(4):
        body, samples = talk(number, 12, fps=20.0)
        clips[f"clip{number}"] = (100 * body.positions).astype(np.float32)
        if number < 3:
            soundfile.write(folder / "wav" / f"clip{number}.wav", samples, SAMPLE_RATE)
    np.savez(folder / "coords.npz", joint_names=np.array(NAMES), fps=20, **clips)
    return folder / "coords.npz", folder / "wav"


def test_several_sources_make_one_model_that_says_what_it_is_worth(joints, tmp_path, capsys):
    coords, wav = joints
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in ("ada_1", "ada_2", "ben_1"):
        for suffix in (".npz", ".flac"):
            shutil.copy(CORPUS / f"{name}{suffix}", corpus)
    shutil.copy(CORPUS / "clips.tsv", corpus)
    given = ["--joints", coords, "--audio", wav, "--motion", corpus, "--audio", corpus]
    out = tmp_path / "model.safetensors"
    steps = ["--members", 2, "--steps", 4, "--seed", 3, "--learning-curve", "--out", out]
    assert main([str(word) for word in (*given, *steps)]) == 0
    model = open_alignment(out)
    assert (model.clips, model.settings.seed, model.settings.steps) == (6, 3, 4)
    assert [round(point.seconds) for point in model.curve] == [0, 6, 12, 24]
    assert model.accuracy.clips == 1
    assert not model.accuracy.excludes_chance
    said = json.loads(read_texts(out)["llavataros_alignment"])
    assert said["hash"] == model.hash
    told = capsys.readouterr()
    assert f"alignment model {model.hash}" in told.out
    assert "not better than chance" in told.err
    again = tmp_path / "again.safetensors"
    assert main([str(word) for word in (*given, *steps[:-1], again)]) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to learn from"),
        (["--audio", "wav"], "--audio wav stands where --motion or --joints is needed"),
        (["--motion", "a", "--joints", "b"], "--joints b stands where --audio is needed"),
        (["--motion", "a", "--audio", "b", "--motion", "c"], "--motion c has no --audio"),
        (["--motion", "nowhere", "--audio", "wav"], "nowhere is no folder"),
        (["--joints", "no.npz", "--audio", "wav"], "no.npz does not exist"),
        (["--motion", "a", "--audio", "b", "--steps", "0"], "steps must be 1 or more, not 0"),
        (["--motion", "a", "--audio", "b", "--hold-out", "1"], "must lie between 0 and 1"),
        (["--motion", "a", "--audio", "b", "--out", "x.npz"], "must end in .safetensors"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(words, said, capsys):
    assert main(["--out", "x.safetensors", *words]) == 2
    assert said in capsys.readouterr().err


def test_clips_that_are_too_short_are_refused(tmp_path, capsys):
    body, samples = talk(0, 2, fps=20.0)
    np.savez(tmp_path / "c.npz", joint_names=np.array(NAMES), fps=20, a=body.positions)
    (tmp_path / "wav").mkdir()
    soundfile.write(tmp_path / "wav" / "a.wav", samples, SAMPLE_RATE)
    words = ["--joints", tmp_path / "c.npz", "--audio", tmp_path / "wav"]
    assert main([*map(str, words), "--out", str(tmp_path / "x.safetensors")]) == 2
    assert "no speaker with two places 2 s apart" in capsys.readouterr().err
    assert not (tmp_path / "x.safetensors").exists()
