"""docs/trainer.md, line by line, on two clips of the bundled corpus and a tiny network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program.page import copied, run_page

pytestmark = [pytest.mark.slow, pytest.mark.long]

RECORDINGS = {f"ada_{n}.{kind}": f"recordings/anna/ada_{n}.{kind}"
              for n in (1, 2, 3) for kind in ("flac", "npz", "json")}  # fmt: skip
NEW = {"ben_1.flac": "new.wav"}
TINY = (
    *("model.d_model=16", "model.heads=2", "model.d_head=8", "model.d_inner=32"),
    *("model.self_blocks=1", "model.segment_frames=30", "model.memory_frames=30"),
    *("flow.width=16", "flow.blocks=1", "training.steps=4", "training.validate_every=2"),
    *("training.checkpoint_every=2", "training.lanes=2", "optimizer.warmup_steps=2"),
)
SMALL_FILM = ("film.width=160", "film.height=120")


def test_every_line_does_what_the_page_says(
    command: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(RECORDINGS | NEW, tmp_path)
    (tmp_path / "new.txt").write_text("hello and welcome to this talk\n")
    monkeypatch.chdir(tmp_path)

    def events_are_there(words: list[str]) -> None:
        assert list((tmp_path / words[2]).rglob("events.out.*")), words

    printed = run_page(
        "trainer.md",
        command,
        more={
            "prepare": ["data.workers=1"],
            "train": TINY,
            "animate": SMALL_FILM,
            "evaluate": ["--resamples", "200"],
            "study": ["--width", "160", "--height", "120", "--fps", "10"],
        },
        elsewhere={"tensorboard": events_are_there, "serve": lambda words: None},
    )
    assert "recordings" in printed["llavataros doctor"] or printed["llavataros doctor"]
    for path in (
        *("outputs/own/report.html", "study/index.html", "outputs/new_3.mov", "compare.html"),
        "my_voice/weights.safetensors",
    ):
        assert (tmp_path / path).stat().st_size > 0, path
