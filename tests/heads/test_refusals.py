"""What is given wrongly ends in one sentence and code 2, before any work."""

from pathlib import Path

import pytest

from llavataros.heads import __main__ as heads
from tests.ablation.manifests import manifest_of


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert heads.main([*arguments, "--config", "tiny"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rows", "nose"), "'nose', which is no row"),
        (("--samples", "0"), "--samples is 0, but must be 1 or more"),
        (("--set", "training.seed=4"), "is set by rows and seeds themselves"),
        (("--set", "flow.nose=4"), "unknown key flow.nose"),
        (("--alignment", "gone.safetensors"), "gone.safetensors does not exist"),
        (("--rows", "pre-trained", "--start-from", "gone"), "gone"),
        (("--rows", "residual", "--films"), "none of which is among the rows"),
    ],
)
def test_wrong_options(tmp_path: Path, capsys, arguments, said) -> None:
    assert said in refusal(capsys, "--out", str(tmp_path / "out"), *arguments)
    assert not (tmp_path / "out").exists()


def test_a_table_of_another_program(tmp_path: Path, capsys) -> None:
    (tmp_path / "table.json").write_text("[]")
    said = refusal(capsys, "--out", str(tmp_path))
    assert "holds a table.json that llavataros heads did not write" in said
    assert "is a file" in refusal(capsys, "--out", str(tmp_path / "table.json"))


def test_no_held_out_clip(tmp_path: Path, capsys) -> None:
    manifest_of([("a", "a")], held_out=set()).save(tmp_path / "records")
    options = (f"data.folder={tmp_path / 'gone'}", f"data.records={tmp_path / 'records'}")
    said = refusal(capsys, "--out", str(tmp_path / "out"), "--set", *options)
    assert "have no held-out clip" in said
