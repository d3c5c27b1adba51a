"""The whole comparison at a tiny size."""

import json

import pytest

from llavataros.benchmark import train

pytest.importorskip("torch", reason="PyTorch is not installed")
beside = pytest.importorskip("llavataros.benchmark.train_beside")


@pytest.mark.slow
def test_both_are_checked_timed_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("UEA_REPO", raising=False)
    monkeypatch.setattr(train, "dtypes", lambda: ("float32",))
    monkeypatch.setattr(train, "_LOSSES", ("rotation",))
    monkeypatch.setattr(train, "_SEGMENTS", 2)
    monkeypatch.setattr(beside, "_compiled", lambda *_: "no compiler")
    found = train.run(2, size="small", out=tmp_path)
    assert json.loads((tmp_path / "train.json").read_text()) == found
    rows = {(row["side"], row["way"]): row for row in found["rows"]}
    assert ("PyTorch", "float32, eager") in rows
    ours = rows["ours", "float32, rotation, unsafe_rbg"]
    assert ours["times_pytorch"] > 0
    assert len(ours["seconds"]) == 2
    # XLA also counts what is no matrix product.
    assert 0.8 < found["flops"]["products"] / found["flops"]["xla"] < 1
    printed = capsys.readouterr().out
    assert "PyTorch: poses differ by" in printed
    assert "torch.compile fails here at float32 (no compiler), so it is not timed." in printed
    assert "UEA_REPO names no clone of the ancestor, so it is not timed." in printed
