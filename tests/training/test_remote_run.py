"""A run in a bucket, trained on records in one, is the run that a folder would hold."""

import jax
import numpy as np
import pytest

from llavataros_jax import train
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.storage.place import read_text
from llavataros_jax.storage.remote import files_of
from llavataros_jax.trained import open_trained
from llavataros_jax.training.exported import write_exported
from tests.buckets import BUCKET, bucket, upload  # noqa: F401
from tests.training.records import LEAST, toy_config, write_records

pytestmark = pytest.mark.slow


@pytest.fixture
def trained(tmp_path):
    """Returns what trains by the command line."""

    def train_by_command(records, run, steps):
        training = {"steps": steps, "validate_every": 0, "checkpoint_every": 2, "log_every": 1}
        config = toy_config(records, run, training=training, parallel={"devices": 1}, model=LEAST)
        (tmp_path / "config.yaml").write_text(config_to_yaml(config))
        assert train.main(["--config", str(tmp_path / "config.yaml")]) == 0

    return train_by_command


def test_a_run_in_a_bucket_is_written_there_and_nowhere_else(
    bucket,  # noqa: F811
    tmp_path,
    monkeypatch,
    trained,
    capsys,
):
    url = f"{BUCKET}/runs/voice"
    write_records(tmp_path / "records")
    upload(bucket, tmp_path / "records", f"{BUCKET}/records")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    trained(f"{BUCKET}/records", url, 1)
    assert f"trained 1 steps; everything is in {url}" in capsys.readouterr().out
    assert not list((tmp_path / "here").iterdir())
    there = {name.split("/")[0] for name in files_of(url)}
    files = {"config.yaml", "manifest.json", "versions.json", "log.jsonl"}
    assert there == {*files, "tensorboard", "checkpoints"}
    run = open_trained(url)
    assert run.checkpoint == "latest/1"
    assert (run.config.training.run, run.config.data.records) == (url, f"{BUCKET}/records")


@pytest.mark.long
def test_a_run_in_a_bucket_goes_on_elsewhere_and_equals_one_in_a_folder(
    bucket,  # noqa: F811
    tmp_path,
    monkeypatch,
    trained,
):
    folder, url = tmp_path / "records", f"{BUCKET}/runs/voice"
    write_records(folder)
    upload(bucket, folder, f"{BUCKET}/records")
    trained(folder, tmp_path / "run", 4)
    trained(f"{BUCKET}/records", url, 2)
    monkeypatch.setenv("LLAVATAROS_CACHE", str(tmp_path / "another machine"))
    trained(f"{BUCKET}/records", url, 4)
    local, remote = open_trained(tmp_path / "run"), open_trained(url)
    assert local.checkpoint == remote.checkpoint
    jax.tree.map(np.testing.assert_array_equal, remote.animator.params, local.animator.params)
    logs = [read_text(f"{url}/log.jsonl"), (tmp_path / "run/log.jsonl").read_text()]
    assert [len(log.splitlines()) for log in logs] == [len(logs[1].splitlines())] * 2
    # An exported one is opened there, too.
    params = local.animator.params
    write_exported(tmp_path / "light", local.config, local.manifest, params, checkpoint="latest/4")
    upload(bucket, tmp_path / "light", f"{BUCKET}/light")
    light, there = open_trained(tmp_path / "light"), open_trained(f"{BUCKET}/light")
    jax.tree.map(np.testing.assert_array_equal, there.animator.params, light.animator.params)
