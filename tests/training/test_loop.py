"""Whole runs: stopping, going on bit by bit, refusing to mix runs, learning."""

import json
import os
import resource
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.errors import UserError
from llavataros_jax.network import build_model
from llavataros_jax.training.checkpoint import Checkpoints, load_params
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parameters import named_leaves
from llavataros_jax.training.run import read_config
from tests.backend import set_up_jax
from tests.training.records import LEAST, toy_config, write_records

ONE = {"devices": 1}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return folder, write_records(folder)


@pytest.fixture(scope="module")
def one_step(records, tmp_path_factory):
    """A run of one step, which tests only look at."""
    folder, manifest = records
    run = tmp_path_factory.mktemp("one_step") / "run"
    return fit(toy_config(folder, run, parallel=ONE, training={"steps": 1}), manifest)


def params_of(run, manifest, series="latest"):
    with Checkpoints(run) as checkpoints:
        step = checkpoints.latest_step
    model = build_model(read_config(run), manifest)
    if series == "latest":
        (run / "checkpoints" / "best").rename(run / "hidden")
    abstract = jax.eval_shape(model.init, jax.random.key(0))
    return step, *load_params(run, abstract)


def arrays(tree) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in named_leaves(tree)}


def arrays_of(checkpoint, part: str) -> dict[str, np.ndarray]:
    return arrays(ocp.load_checkpointables(checkpoint)[part])


def test_a_run_that_was_stopped_goes_on_bit_by_bit(records, tmp_path):
    """With a moving average, which is part of the state and what is shown of the run."""
    folder, manifest = records
    own = {"parallel": ONE, "optimizer": {"ema_decay": 0.99}}
    shown = {}
    whole = toy_config(folder, tmp_path / "whole", training={"sample_every": 4}, **own)
    fit(whole, manifest, sampler=lambda params, step: shown.update({step: jax.device_get(params)}))

    stopped = toy_config(
        folder, tmp_path / "stopped", training={"sample_every": 3, "log_every": 1}, **own
    )

    def terminate(params, step):
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        fit(stopped, manifest, sampler=terminate)
    # The signal arrives after step 3, and is obeyed once the step under way is done.
    with Checkpoints(tmp_path / "stopped") as checkpoints:
        assert checkpoints.latest_step in (3, 4)
    # A line of a killed run beyond its checkpoint must not stay.
    with (tmp_path / "stopped" / "log.jsonl").open("a") as log:
        log.write('{"step": 7, "train/loss": 1.0}\n{"step": 8, "tra')
    # Several steps a call are the same steps.
    by_two = {"sample_every": 3, "log_every": 4, "steps_per_call": 2}
    fit(toy_config(folder, tmp_path / "stopped", training=by_two, **own), manifest)

    learned, averages = (
        [arrays_of(tmp_path / run / "checkpoints/latest/8", part) for run in ("whole", "stopped")]
        for part in ("params", "average")
    )
    jax.tree.map(np.testing.assert_array_equal, learned[1], learned[0])
    jax.tree.map(np.testing.assert_array_equal, averages[1], averages[0])
    jax.tree.map(np.testing.assert_array_equal, averages[0], arrays(shown[8]))
    assert all(np.abs(learned[0][name] - averages[0][name]).max() > 0 for name in learned[0])
    (best,) = (tmp_path / "whole" / "checkpoints" / "best").iterdir()
    jax.tree.map(
        np.testing.assert_array_equal, arrays_of(best, "params"), arrays(shown[int(best.name)])
    )

    step, expected, _ = params_of(tmp_path / "whole", manifest)
    again, got, name = params_of(tmp_path / "stopped", manifest)
    assert (step, again, name) == (8, 8, "latest/8")
    jax.tree.map(np.testing.assert_array_equal, got, expected)
    jax.tree.map(np.testing.assert_array_equal, arrays(got), averages[0])

    def validations(run):
        lines = [json.loads(line) for line in (tmp_path / run / "log.jsonl").open()]
        return [(v["step"], v["validation/loss"]) for v in lines if "validation/loss" in v]

    assert validations("stopped") == validations("whole")
    assert [step for step, _ in validations("whole")] == [4, 8]


def test_a_run_directory_of_another_config_is_refused(records, one_step, tmp_path):
    folder, manifest = records
    other = toy_config(folder, one_step, parallel=ONE, model={"d_inner": 64})
    with pytest.raises(UserError, match=r"another config: model\.d_inner was 32 and is now 64"):
        fit(other, manifest)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("precious")
    with pytest.raises(UserError, match="no run directory"):
        fit(toy_config(folder, tmp_path / "thesis"), manifest)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    records, tmp_path
):
    folder, manifest = records
    config = toy_config(
        folder,
        tmp_path / "run",
        parallel=ONE,
        model=LEAST,
        optimizer={"learning_rate": 1e30, "clip_norm": 0.0},
        training={"log_every": 1, "validate_every": 0},
    )
    with pytest.raises(UserError, match=r"lower optimizer\.learning_rate"):
        fit(config, manifest)
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert checkpoints.latest_step is None


def fit_is_refused_with_small_files(config, manifest):
    """Trains where no large file may be written; to be run in a process that ends with it."""
    set_up_jax()
    # Of the cache of compiled programs, files would be cut short too.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    with pytest.raises(UserError, match=r"checkpoints could not be written to .*none yet"):
        fit(config, manifest)


def test_a_full_disk_is_told_in_a_sentence_and_the_run_goes_on_later(records, tmp_path):
    """A limit on the size of files stands for the disk.

    In a process of its own, which ends as a user's does: after a refused write, threads of Orbax go
    on writing the other parts of the same checkpoint for a while.
    """
    folder, manifest = records
    config = toy_config(
        folder,
        tmp_path / "run",
        parallel=ONE,
        model=LEAST,
        training={"steps": 2, "checkpoint_every": 1, "validate_every": 0},
    )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        processes.submit(fit_is_refused_with_small_files, config, manifest).result()
    fit(config, manifest)
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert checkpoints.latest_step == 2


def test_a_network_learns_to_repeat_one_segment(records, tmp_path):
    """Without dropout, a single batch repeated must be learnt nearly by heart."""
    folder, manifest = records
    config = toy_config(
        folder,
        tmp_path / "run",
        parallel=ONE,
        model={"dropout": 0.0, "d_model": 32, "d_inner": 64, "segment_frames": 100},
        training={"steps": 150, "validate_every": 0, "lanes": 4, "log_every": 10,
                  "checkpoint_every": 150, "random_phase": False},
        optimizer={"learning_rate": 1e-2, "final_fraction": 0.05},
    )  # fmt: skip
    source = LaneSource(
        ClipReader(folder, "train"), lanes=4, segment_frames=100, seed=1, random_phase=False
    )
    assert source.plan.epoch_steps(0) == 1
    fit(config, manifest)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").open()]
    losses = [line["train/loss"] for line in lines]
    assert losses[-1] < 0.5 * losses[0]


def test_a_checkpoint_that_is_missing_or_of_another_config_is_named(records, one_step, tmp_path):
    folder, manifest = records
    run = one_step
    model = build_model(read_config(run), manifest)
    abstract = jax.eval_shape(model.init, jax.random.key(0))
    with pytest.raises(UserError, match="no checkpoint"):
        load_params(tmp_path, abstract)
    wider = build_model(toy_config(folder, run, model={"d_inner": 48}), manifest)
    with pytest.raises(UserError, match="belongs to another config"):
        load_params(run, jax.eval_shape(wider.init, jax.random.key(0)))
