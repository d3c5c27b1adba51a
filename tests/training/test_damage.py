"""A damaged checkpoint is passed over, said, and never ends in a traceback or other numbers."""

import gc
import os
import shutil

import jax
import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints, load_params
from llavataros_jax.training.checkpoint_checksums import CHECKSUMS
from llavataros_jax.training.checkpoint_damage import damage_of, stored_values
from llavataros_jax.training.loop import fit
from tests.training.records import LEAST, toy_config, write_records
from tests.training.states import abstract_state, require_equal, state_at


def largest(step):
    return max((p for p in step.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def cut_largest(step):
    os.truncate(largest(step), 20)


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def other_number(step):
    """Flips a bit of an array, of which the storage below Orbax keeps no checksum."""
    flip(largest(step), largest(step).stat().st_size // 2)


def no_metadata(step):
    for path in step.rglob("*METADATA*"):
        path.unlink()


def no_part(step):
    shutil.rmtree(step / "params")


def empty(step):
    shutil.rmtree(step)
    step.mkdir()


def blank(step):
    for path in step.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


DAMAGES = [cut_largest, other_number, no_metadata, no_part, empty, blank]


def steps_of(run, series):
    return sorted(int(path.name) for path in (run / "checkpoints" / series).iterdir())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    with Checkpoints(folder) as checkpoints:
        for step in (2, 4, 6):
            checkpoints.save(state_at(step))
        checkpoints.save_best(4, state_at(4).params, 0.5)
    return folder


@pytest.fixture
def run(saved, tmp_path):
    """Returns a run with whole states of the steps 4 and 6, the best being 4."""
    assert steps_of(saved, "latest") == [4, 6]
    return shutil.copytree(saved, tmp_path / "run")


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_state_before_is_restored_and_the_damaged_one_makes_room(run, capfd, damage):
    damage(run / "checkpoints" / "latest" / "6")
    with Checkpoints(run) as checkpoints:
        require_equal(checkpoints.restore(abstract_state()), state_at(4))
        (note,) = checkpoints.notes
        assert "checkpoint latest/6 was moved to" in note
        assert "so training goes on from step 4" in note
        assert "\n" not in note
        assert (checkpoints.latest_step, checkpoints.best_loss) == (4, 0.5)
        checkpoints.save(state_at(6))
    assert [path.name for path in (run / "checkpoints" / "damaged").iterdir()] == ["latest_6"]
    assert steps_of(run, "latest") == [4, 6]
    with Checkpoints(run) as checkpoints:
        require_equal(checkpoints.restore(abstract_state()), state_at(6))
        assert not checkpoints.notes
    assert capfd.readouterr().err == "", "no library complains beside our own sentence"


@pytest.mark.parametrize("damage", [d for d in DAMAGES if d is not other_number])
def test_damage_is_told_without_checksums_as_in_older_checkpoints(run, damage):
    step = run / "checkpoints" / "latest" / "6"
    (step / CHECKSUMS).unlink()
    assert damage_of(step, ("params", "training")) is None
    damage(step)
    assert damage_of(step, ("params", "training"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_when_no_state_can_be_restored_one_sentence_names_the_folder(run, damage):
    for step in (4, 6):
        damage(run / "checkpoints" / "latest" / str(step))
    with Checkpoints(run) as checkpoints, pytest.raises(UserError) as refusal:
        checkpoints.restore(abstract_state())
    said = str(refusal.value)
    assert f"no checkpoint in {run / 'checkpoints' / 'latest'} can be restored (step 6: " in said
    assert "step 4: " in said
    assert "\n" not in said
    assert steps_of(run, "latest") == [4, 6], "what cannot be read is left where it is"


@pytest.mark.parametrize("damage", DAMAGES)
def test_animation_takes_the_latest_when_the_best_is_damaged(run, capfd, damage):
    abstract = abstract_state().params
    damage(run / "checkpoints" / "best" / "4")
    params, name = load_params(run, abstract)
    assert name == "latest/6"
    require_equal(params, state_at(6).params)
    said = capfd.readouterr().err
    assert "latest/6 is used, because a checkpoint before it is damaged (best/4: " in said
    assert said.count("\n") == 1
    damage(run / "checkpoints" / "latest" / "6")
    if damage not in (
        cut_largest,
        other_number,
    ):  # which cuts the optimiser's moments, and they are not read
        assert load_params(run, abstract)[1] == "latest/4"
    shutil.rmtree(run / "checkpoints" / "latest")
    with pytest.raises(UserError, match=r"every checkpoint in .*checkpoints is damaged"):
        load_params(run, abstract)


@pytest.mark.parametrize("text", ["", "{", "null", '{"loss": "low"}'])
def test_a_best_without_its_loss_gives_way_to_the_next_validation(run, text):
    (run / "checkpoints" / "best" / "4" / "metrics" / "metrics").write_text(text)
    with Checkpoints(run) as checkpoints:
        assert checkpoints.best_loss == float("inf")
        checkpoints.save_best(8, state_at(8).params, 0.7)
        checkpoints.wait()
        assert checkpoints.best_loss == 0.7
    require_equal(load_params(run, abstract_state().params)[0], state_at(8).params)


def test_a_checkpoint_of_another_config_says_what_differs(run, capfd):
    params = abstract_state().params
    wider = {**params, "bias": jax.ShapeDtypeStruct((31,), np.float32)}
    with pytest.raises(
        UserError, match=r"another config \(best/4: bias has the shape \(30,\), not"
    ):
        load_params(run, wider)
    with pytest.raises(UserError, match=r"best/4: params has no scale"):
        load_params(run, {**params, "scale": params["bias"]})
    wider = abstract_state().replace(params=wider)
    with Checkpoints(run) as checkpoints, pytest.raises(UserError, match="bias has the shape"):
        checkpoints.restore(wider)
    gc.collect()
    assert capfd.readouterr().err == "", "no library complains beside our own sentence"


def test_an_earlier_step_can_become_the_best(run):
    """After a step back, the best so far may be of a step that is done again."""
    with Checkpoints(run) as checkpoints:
        checkpoints.save_best(3, state_at(3).params, 0.1)
    assert steps_of(run, "best") == [3]


def test_a_run_with_a_single_state_opens(run):
    shutil.rmtree(run / "checkpoints" / "latest" / "4")
    with Checkpoints(run) as checkpoints:
        require_equal(checkpoints.restore(abstract_state()), state_at(6))


@pytest.mark.slow
def test_training_after_a_step_back_is_the_same_bit_by_bit(tmp_path, capsys):
    manifest = write_records(tmp_path / "records")
    config = toy_config(
        tmp_path / "records",
        tmp_path / "run",
        parallel={"devices": 1},
        model=LEAST,
        training={"steps": 3, "lanes": 4, "checkpoint_every": 1, "validate_every": 0},
    )
    run = fit(config, manifest)
    newest, whole = run / "checkpoints" / "latest" / "3", tmp_path / "whole"
    shutil.copytree(newest, whole)
    cut_largest(newest)
    fit(config, manifest)
    assert "so training goes on from step 2" in capsys.readouterr().err
    states = [stored_values(folder, ("params", "training")) for folder in (newest, whole)]
    assert states[0].keys() == states[1].keys()
    # The names by which older runs are restored.
    for name in ("training/carry.memory.hidden/", "training/carry.prediction/", "training/step/"):
        assert any(key.startswith(name) for key in states[0]), name
    assert any("opt_state" in name for name in states[0])
    assert states[0] == states[1]
