"""Two processes train a run in a bucket, each with a folder of its own, and go on from it."""

import json
import shutil
import signal

import numpy as np
import pytest

from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.trained import open_trained
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parameters import named_leaves
from tests.training.records import toy_config, write_records
from tests.training.together import ended, start, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_two_processes_go_on_from_the_bucket_as_one_would_have_gone_on(tmp_path, monkeypatch):
    cache, bucket = tmp_path / "cache", tmp_path / "bucket"
    monkeypatch.setenv("LLAVATAROS_CACHE", str(cache))
    # A bucket has no folders that must be made.
    monkeypatch.setenv("FSSPEC_FILE", '{"auto_mkdir": true}')
    records, url = bucket / "records", f"file://{bucket}/voice"
    manifest = write_records(records)

    def config(run, steps, **parallel):
        return toy_config(
            f"file://{records}",
            run,
            model={"variant": "audio", "self_blocks": 1, "cross_blocks": 0},
            # Near plain descent: AdamW magnifies the rounding of sums in another order.
            optimizer={"epsilon": 1.0, "learning_rate": 0.1, "final_fraction": 1.0},
            training={"steps": steps, "log_every": 1, "validate_every": 2, "checkpoint_every": 4},
            parallel=parallel,
        )

    def started(folder, steps, **parallel):
        told = config_to_yaml(config(url, steps, distributed="auto", **parallel))
        (tmp_path / "config.yaml").write_text(told, encoding="utf-8")
        command = ["-m", "llavataros_jax.train", "--config", str(tmp_path / "config.yaml")]
        return start(2, tmp_path / folder, command, devices=2)

    processes = started("first", 100_000)
    folder = next(iter(cache.glob("runs/*.host_1")), None)
    while folder is None and all(process.poll() is None for process in processes):
        folder = next(iter(cache.glob("runs/*.host_1")), None)
    assert folder is not None, (tmp_path / "first/process_0.txt").read_text()
    wait_for(folder / "logs" / "host_1.txt", "step 0/", processes)
    processes[1].send_signal(signal.SIGTERM)
    codes = ended(processes)
    texts = [(tmp_path / f"first/process_{k}.txt").read_text() for k in range(2)]
    assert codes == [75, 75], texts
    step = max(int(path.name) for path in (bucket / "voice/checkpoints/latest").iterdir())
    shutil.rmtree(cache)
    codes = ended(started("second", step + 2, fsdp=2))
    texts = [(tmp_path / f"second/process_{k}.txt").read_text() for k in range(2)]
    assert codes == [0, 0], texts
    assert not (bucket / "voice/.lock").exists()
    log = (bucket / "voice/logs/host_1.txt").read_text()
    assert f"step {step}/100000 · stopped and saved" in log
    assert f"step {step + 2}/{step + 2}" in log
    fit(config(tmp_path / "alone", step + 2, devices=4), manifest)
    logs = [(tmp_path / "alone/log.jsonl").open(), (bucket / "voice/log.jsonl").open()]
    lines = [[json.loads(line) for line in log] for log in logs]
    for kind, count in (("train/loss", step + 2), ("validation/loss", (step + 3) // 2)):
        losses = [[line[kind] for line in log if kind in line] for log in lines]
        assert len(losses[0]) == count
        np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    one, two = open_trained(tmp_path / "alone"), open_trained(url)
    assert two.checkpoint == one.checkpoint
    assert two.checkpoint.startswith("best/")
    expected = dict(named_leaves(one.animator.params))
    for name, leaf in named_leaves(two.animator.params):
        np.testing.assert_allclose(leaf, expected[name], atol=1e-6, err_msg=name)
