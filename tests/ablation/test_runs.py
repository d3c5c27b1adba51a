"""What is trained and measured already, what goes on, and what belongs to something else."""

from pathlib import Path

import numpy as np
import pytest

from llavataros.ablation import __main__ as ablation
from llavataros.ablation.measurement import bodies, identity_of, read_measured, write_measured
from llavataros.ablation.parts import Part, option
from llavataros.ablation.runs import Run, plan_runs
from llavataros.ablation.variants import read_variants
from llavataros.ablation.workers import Job
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from tests.ablation.manifests import manifest_of

CLIPS = [("a", "a"), ("b", "b")]


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    manifest_of(CLIPS, held_out={"b"}).save(folder)
    return folder


def runs_of(records: Path, *overrides: str, seeds: int = 1) -> tuple[Run, ...]:
    part = Part(records, (option("data.records", records),))
    return plan_runs(
        read_variants("text"), seeds, (part,),
        config="tiny", overrides=list(overrides), out=records.parent,
    )  # fmt: skip


def train(run: Run, steps: int) -> None:
    """Leaves what a training of 12 steps leaves after some of them."""
    config, manifest = run.config()
    manifest.save(run.folder)
    (run.folder / "config.yaml").write_text(config_to_yaml(config))
    for step in (4, steps):
        (run.folder / "checkpoints" / "latest" / str(step)).mkdir(parents=True, exist_ok=True)
    (run.folder / "checkpoints" / "latest" / "16.orbax-checkpoint-tmp").mkdir()


def measured(run: Run, checkpoint: str) -> None:
    identity = identity_of(checkpoint, run.config()[1].content_hash)
    write_measured(run.measured, {("real", "x"): {"b": np.ones(2)}}, identity=identity)


def test_a_run_is_absent_begun_or_finished(records: Path) -> None:
    (run,) = runs_of(records)
    assert run.state() == "absent"
    train(run, 8)
    assert run.state() == "begun"
    train_further = runs_of(records, "training.steps=8")[0]
    assert train_further.state() == "finished"
    (run.folder / "checkpoints" / "latest" / "12").mkdir()
    assert run.state() == "finished"


def test_a_run_of_other_options_or_records_is_refused(records: Path) -> None:
    (run,) = runs_of(records)
    train(run, 12)
    with pytest.raises(UserError, match=r"text_1 belongs to another config: model.heads was 2"):
        runs_of(records, "model.heads=4")[0].state()
    manifest_of([*CLIPS, ("c", "c")], held_out={"b"}).save(records)
    with pytest.raises(UserError, match=r"text_1 was trained on other records .*1 clips came"):
        run.state()


def test_a_folder_of_somebody_else_is_no_run(records: Path) -> None:
    (run,) = runs_of(records)
    run.folder.mkdir()
    (run.folder / "thesis.txt").touch()
    with pytest.raises(UserError, match="is no run directory"):
        run.state()


def test_only_what_is_missing_is_done(records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four networks: done, trained but measured at another step, begun, and absent."""
    runs = runs_of(records, seeds=4)
    jobs: list[Job] = []
    monkeypatch.setattr(ablation, "work", lambda given, **_: jobs.extend(given))
    train(runs[0], 12)
    measured(runs[0], "latest/12")
    train(runs[1], 12)
    measured(runs[1], "latest/8")
    train(runs[2], 8)
    assert ablation.train_and_measure(runs, jobs=1) == 12
    done = [(job.name, [c[1] for c in job.commands], job.steps) for job in jobs]
    training, measuring = "llavataros_jax.train", "llavataros.ablation.measurement"
    assert done == [
        ("text_2", [measuring], 2),
        ("text_3", [training, measuring], 6),
        ("text_4", [training, measuring], 14),
    ]


def test_measures_are_read_as_they_were_written(tmp_path: Path) -> None:
    sums = {("predicted", "jerk"): {"folder/clip 1": np.arange(3.0)}}
    write_measured(tmp_path / "a.npz", sums, identity="1 latest/3 x")
    identity, found = read_measured(tmp_path / "a.npz")
    assert identity == "1 latest/3 x"
    np.testing.assert_array_equal(found["predicted", "jerk"]["folder/clip 1"], [0, 1, 2])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", None])
def test_measures_that_are_damaged_or_gone_are_made_again(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "a.npz").write_bytes(content)
    assert read_measured(tmp_path / "a.npz") == ("", {})


def test_speech_is_tried_in_its_own_body_and_some_others() -> None:
    assert bodies(1, 0, 2) == [1, 0]
    assert bodies(0, 7, 1) == [0]
    assert bodies(2, 0, 12) == [2, 0, 1, 3]
    assert bodies(2, 4, 12) == [2, 5, 6, 7]
    assert {body for clip in range(12) for body in bodies(2, clip, 12)} == set(range(12))
