"""New runs that start from another: what they take, keep on record, and refuse."""

import dataclasses
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.choices import choose
from llavataros_jax.training.exported import WEIGHTS, write_exported
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parallel import JitLauncher
from llavataros_jax.training.resumption import continued
from llavataros_jax.training.run import read_config
from llavataros_jax.training.start import open_start
from tests.training.networks import MODEL, flat, toy_network
from tests.training.records import toy_config
from tests.training.test_patience import step_without_learning


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_network(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def light(toy):
    folder, config, manifest, params = toy
    write_exported(folder / "light", config, manifest, params, checkpoint="best/7")
    return folder / "light"


def starting(toy, run, start_from, **model):
    folder = toy[0]
    training = {"start_from": str(start_from), "steps": 1, "validate_every": 0}
    return toy_config(folder / "records", run, model={**MODEL, **model}, training=training,
                      parallel={"devices": 1})  # fmt: skip


def test_what_cannot_be_started_from_is_refused_in_a_sentence(toy, light, tmp_path):
    run = tmp_path / "run"
    for folder in (tmp_path / "nowhere", toy[0] / "records"):
        with pytest.raises(UserError, match=r"is no run: it has no config\.yaml"):
            open_start(starting(toy, run, folder))
    with pytest.raises(UserError, match=r"is training\.run itself"):
        open_start(starting(toy, light, f"{light}/../light"))
    with pytest.raises(UserError, match=r"has model\.d_model=16, not 32"):
        open_start(starting(toy, run, light, d_model=32))
    damaged = shutil.copytree(light, tmp_path / "damaged")
    (damaged / WEIGHTS).write_bytes((light / WEIGHTS).read_bytes()[:500])
    with pytest.raises(UserError, match=r"weights\.safetensors of 500 bytes are damaged"):
        open_start(starting(toy, run, damaged))
    diverged = shutil.copytree(light, tmp_path / "diverged")
    (diverged / WEIGHTS).unlink()
    broken = jax.tree.map(lambda x: np.full_like(x, np.nan), toy[3])
    with Checkpoints(diverged) as checkpoints:
        checkpoints.save_best(4, broken, 1.0)
    with pytest.raises(UserError, match=r"\(best/4\) has numbers in .* that are not finite"):
        open_start(starting(toy, run, diverged))
    assert not run.exists()


def test_blocks_are_as_many_as_the_source_has(toy, light, tmp_path):
    config = starting(toy, tmp_path / "run", light, cross_blocks=-1)
    chosen, said = choose(config, toy[2])
    assert chosen.model.cross_blocks == 0
    assert said[0] == f"model.cross_blocks=0: as many as training.start_from={light} has"


def test_the_start_may_be_left_out_later_but_not_changed(toy, light):
    config = starting(toy, "run", light)
    without = dataclasses.replace(
        config, training=dataclasses.replace(config.training, start_from=None)
    )
    alike = starting(toy, "run", f"{light}/../light")
    for now in (config, without, alike):
        assert continued(Path("run"), config, now) == (config, [])
    for before, now in ((without, config), (config, starting(toy, "run", "starter"))):
        with pytest.raises(UserError, match=r"training\.start_from was .* and is now"):
            continued(Path("run"), before, now)


@pytest.mark.slow
def test_a_run_begins_with_the_parameters_and_goes_on_with_its_own(
    toy, light, tmp_path, monkeypatch, capsys
):
    _, _, manifest, params = toy
    run = tmp_path / "run"
    config = starting(toy, run, light)
    monkeypatch.setattr(JitLauncher, "train", lambda *_, **__: step_without_learning)
    # A run that was killed before its first checkpoint starts again, also when it is not said.
    run.mkdir()
    (run / "config.yaml").write_text(config_to_yaml(config))
    manifest.save(run)
    fit(starting_without(config), manifest)
    count = len(flat(params))
    said = f"start_from={light} ({WEIGHTS}): {count} of {count} arrays reused; new: nothing"
    assert said in capsys.readouterr().err
    assert read_config(run).training.start_from == str(light)
    (start,) = json.loads((run / "versions.json").read_text())["starts"]
    assert start["start_from"]["checkpoint"] == WEIGHTS
    assert len(start["start_from"]["parameters_hash"]) == 32
    again = starting(toy, tmp_path / "next", run)
    start = open_start(again)
    assert start is not None
    assert start.checkpoint == "latest/1"
    half = jax.tree.map(lambda x: x.astype(np.float16).astype(np.float32), params)
    jax.tree.map(np.testing.assert_array_equal, start.params, half)
    assert open_start(config) is None, "it has a checkpoint of its own"


def starting_without(config):
    return dataclasses.replace(
        config, training=dataclasses.replace(config.training, start_from=None)
    )
