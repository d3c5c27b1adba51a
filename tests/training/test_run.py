"""Run directories: complete or begun, of one process, with one schedule; what may change."""

import json

import numpy as np
import pytest

from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.lock import sole_use
from llavataros_jax.training.loop import fit
from llavataros_jax.training.optimizer import learning_rate_schedule
from llavataros_jax.training.run import open_run, read_config, record_start, versions
from llavataros_jax.training.tracking import Tracker
from tests.training.records import toy_config, write_records

COSINE = {"warmup_steps": 2, "final_fraction": 0.1}
PASE = {"kind": "pase", "pase": "/a/FE_e199.ckpt", "sample_rate": 16000}
LLAMA = {"kind": "language_model", "model": "/a/llama"}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return folder, write_records(folder)


@pytest.mark.parametrize(
    "files", [[], ["manifest.json"], [".config.12-ab.partial.yaml", "manifest.json"]]
)
def test_a_run_directory_that_was_killed_as_it_was_made_is_made_anew(records, tmp_path, files):
    folder, manifest = records
    config = toy_config(folder, tmp_path / "run")
    (tmp_path / "run").mkdir()
    for name in files:
        (tmp_path / "run" / name).write_text("{")
    assert open_run(config, manifest) == (config, [])
    assert read_config(tmp_path / "run") == config


@pytest.mark.parametrize("name", ["chapter.tex", "checkpoints", "manifest.json.bak"])
def test_a_folder_of_somebody_else_is_refused_and_left_alone(records, tmp_path, name):
    folder, manifest = records
    run = tmp_path / "run"
    run.mkdir()
    (run / name).write_text("precious")
    (run / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="exists but is no run directory"):
        fit(toy_config(folder, run), manifest)
    assert {path.name for path in run.iterdir()} == {name, "manifest.json"}
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UserError, match="exists but is no run directory"):
        fit(toy_config(folder, tmp_path / "file"), manifest)


def test_two_trainings_do_not_share_a_run_directory(records, tmp_path):
    folder, manifest = records
    with (
        sole_use(tmp_path / "run", option="training.run"),
        pytest.raises(UserError, match=r"training\.run=.*run is in use by process \d+ on"),
    ):
        fit(toy_config(folder, tmp_path / "run"), manifest)
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize("content", [b"", b"- 3", b"\xff\xfe", b"a: ["])
def test_a_damaged_config_of_a_run_is_named(records, tmp_path, content):
    folder, manifest = records
    config = toy_config(folder, tmp_path / "run")
    open_run(config, manifest)
    (tmp_path / "run" / "config.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.yaml is damaged"):
        open_run(config, manifest)


def test_a_run_of_before_there_was_a_choice_goes_on_with_its_plan(records, tmp_path):
    folder, manifest = records
    config = toy_config(folder, tmp_path / "run", training={"dealing": "epochs"})
    open_run(config, manifest)
    path = tmp_path / "run" / "config.yaml"
    path.write_text(path.read_text().replace("  dealing: epochs\n", ""))
    assert read_config(tmp_path / "run") == config
    now, (said,) = open_run(toy_config(folder, tmp_path / "run"), manifest)
    assert now == config
    assert "training.dealing=epochs" in said
    assert read_config(tmp_path / "run") == config
    assert open_run(config, manifest) == (config, [])


def test_every_start_is_kept_with_its_versions(tmp_path):
    path = tmp_path / "versions.json"
    path.write_text(json.dumps(versions()))  # an older run holds its last start alone
    for step in (4, 8):
        record_start(tmp_path, step)
    starts = json.loads(path.read_text())["starts"]
    assert [start.get("step") for start in starts] == [None, 4, 8]
    assert all(start["packages"]["jax"] for start in starts)
    path.write_text('{"star')
    record_start(tmp_path, 9)
    assert [start["step"] for start in json.loads(path.read_text())["starts"]] == [9]


def test_the_log_is_cut_in_one_move(tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": "x"}\n{"st')
    whole = log.read_text()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            Tracker(tmp_path, first_step=2, last_step=4)
    assert log.read_text() == whole, "nothing is lost when the cut is killed"
    with Tracker(tmp_path, first_step=2, last_step=4):
        assert log.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_the_schedule_of_the_first_start_stays_whatever_the_steps_become(records, tmp_path):
    folder, manifest = records

    def started(steps, **optimizer):
        options = {**COSINE, **optimizer}
        config = toy_config(folder, tmp_path / "run", training={"steps": steps}, optimizer=options)
        return open_run(config, manifest)

    first, said = started(8)
    assert not said
    rates = [learning_rate_schedule(first.optimizer, 8)(step) for step in range(20)]
    for steps, words in ((12, "stays at its final value"), (20, "stays at"), (6, "does not come")):
        config, (note,) = started(steps)
        assert f"training.steps={steps}" in note
        assert "the schedule of 8 steps" in note
        assert words in note
        assert (config.training.steps, config.schedule_steps) == (steps, 8)
        assert read_config(tmp_path / "run").schedule_steps == 8
        again = [
            learning_rate_schedule(config.optimizer, config.schedule_steps)(step)
            for step in range(20)
        ]
        np.testing.assert_array_equal(again, rates)
    assert rates[8] == rates[19] == pytest.approx(0.1 * first.optimizer.learning_rate)
    assert started(8) == (first, [])
    with pytest.raises(UserError, match=r"optimizer\.decay_steps was 8 and is now 12"):
        started(12, decay_steps=12)


def test_a_learning_rate_that_does_not_fall_needs_no_words(records, tmp_path):
    folder, manifest = records
    for steps in (8, 12):
        config = toy_config(folder, tmp_path / "run", training={"steps": steps})
        assert open_run(config, manifest)[1] == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"audio": PASE}, {"audio": {**PASE, "pase": "/b/FE_e199.ckpt"}}),
        ({"text": LLAMA}, {"text": {**LLAMA, "model": "/b/llama", "batch": 2}}),
        ({}, {"words": {"whisper": "/b/base.pt", "mfa": "/opt/mfa", "mfa_jobs": 3}}),
        ({}, {"data": {"folder": "/b", "words_folder": "/b/words", "workers": 3}}),
        (
            {"data": {"audio_glob": "a/{name}.wav", "motion_glob": "a/{name}.bvh"}},
            {"data": {"audio_glob": "b/{name}.wav", "motion_glob": "b/{name}.bvh"}},
        ),
        ({}, {"film": {"width": 100}, "parallel": {"devices": 1}}),
    ],
)
def test_places_and_tools_may_change(records, tmp_path, before, now):
    folder, manifest = records
    open_run(toy_config(folder, tmp_path / "run", **before), manifest)
    config, notes = open_run(toy_config(folder, tmp_path / "run", **now), manifest)
    assert config_to_yaml(read_config(tmp_path / "run")) == config_to_yaml(config)
    weights = [key for key in ("pase", "model") if any(key in part for part in now.values())]
    assert len(notes) == len(weights)
    assert all("must hold the weights of '/a/" in note for note in notes)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"audio": PASE}, {"audio": {**PASE, "pase_mode": "isolated"}}),
        ({"text": LLAMA}, {"text": {**LLAMA, "layer": 3}}),
        ({"text": LLAMA}, {"text": {**LLAMA, "dtype": "bfloat16"}}),
        ({}, {"words": {"frame_rule": "pointer"}}),
        ({}, {"motion": {"fps": 25}}),
        ({}, {"training": {"lanes": 4}}),
        ({}, {"loss": {"velocity": 0.2}}),
    ],
)
def test_what_is_computed_may_not_change(records, tmp_path, before, now):
    folder, manifest = records
    open_run(toy_config(folder, tmp_path / "run", **before), manifest)
    (section, options), *_ = now.items()
    changed = [k for k, v in options.items() if before.get(section, {}).get(k) != v]
    with pytest.raises(UserError, match=rf"another config: {section}\.{changed[0]} was"):
        open_run(toy_config(folder, tmp_path / "run", **now), manifest)


def test_an_older_config_without_a_schedule_opens(records, tmp_path):
    folder, manifest = records
    config = toy_config(folder, tmp_path / "run")
    open_run(config, manifest)
    path = tmp_path / "run" / "config.yaml"
    older = [line for line in path.read_text().splitlines() if "decay_steps" not in line]
    path.write_text("\n".join(older))
    assert open_run(config, manifest) == (config, [])
