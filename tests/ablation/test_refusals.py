"""What is given wrongly ends in one sentence and code 2, before any work."""

from pathlib import Path

import pytest

from llavataros.ablation import __main__ as ablation
from llavataros.ablation.parts import Part
from tests.ablation.manifests import manifest_of


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert ablation.main([*arguments, "--config", "tiny"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--variants", "text,smell"), "'smell', which is no variant"),
        (("--seeds", "0"), "--seeds is 0, but must be 1 or more"),
        (("--jobs", "-1"), "--jobs is -1, but must be 1 or more"),
        (("training.seed=4",), "set by the ablation itself"),
        (("model.nose=4",), "unknown key model.nose"),
        (("--config", "nothing"), None),
    ],
)
def test_wrong_options(tmp_path: Path, capsys, arguments, said) -> None:
    if said is None:
        assert ablation.main([*arguments, "--out", str(tmp_path / "out")]) == 2
        assert "does not exist" in capsys.readouterr().err
    else:
        assert said in refusal(capsys, "--out", str(tmp_path / "out"), *arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_others(tmp_path: Path, capsys) -> None:
    (tmp_path / "letters.txt").touch()
    said = refusal(capsys, "--out", str(tmp_path))
    assert "holds files that llavataros ablate did not write, such as letters.txt" in said
    assert "is a file" in refusal(capsys, "--out", str(tmp_path / "letters.txt"))
    (tmp_path / "ablation.json").write_text("[]")
    assert "did not write" in refusal(capsys, "--out", str(tmp_path))


def test_neither_records_nor_recordings(tmp_path: Path, capsys) -> None:
    gone = (f"data.folder={tmp_path / 'gone'}", f"data.records={tmp_path / 'nor'}")
    said = refusal(capsys, "--out", str(tmp_path / "out"), *gone)
    assert f"neither records in data.records={tmp_path / 'nor'} nor recordings" in said


def test_records_alone_are_enough(tmp_path: Path, capsys) -> None:
    manifest_of([("a", "a")], held_out=set()).save(tmp_path / "records")
    options = ["--config", "tiny", f"data.folder={tmp_path / 'gone'}"]
    manifest = ablation.prepared(Part(tmp_path / "records", ()), options)
    assert [clip.name for clip in manifest.clips] == ["a"]
    assert "as found" in capsys.readouterr().out


def test_no_held_out_clip(tmp_path: Path, capsys) -> None:
    manifest_of([("a", "a")], held_out=set()).save(tmp_path / "records")
    options = (f"data.folder={tmp_path / 'gone'}", f"data.records={tmp_path / 'records'}")
    assert "have no held-out clip" in refusal(capsys, "--out", str(tmp_path / "out"), *options)
