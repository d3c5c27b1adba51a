"""Gradients that are added over segments are those of so many times the lanes."""

import functools
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from orbax.checkpoint import v1 as ocp

from llavataros_jax.config import ParallelConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.network import build_model
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.parameters import named_leaves
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step
from tests.training.records import toy_config, write_records

pytestmark = pytest.mark.slow

LANES, RATE = 8, 0.1


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return folder, write_records(folder)


def source_of(folder):
    return LaneSource(
        *[ClipReader(folder, "train")],
        lanes=LANES,
        segment_frames=20,
        seed=1,
        random_phase=True,
        dealing="stream",
    )


@pytest.fixture(scope="module")
def toy(records):
    folder, manifest = records
    config = toy_config(
        *(folder, folder / "run"),
        model={"dropout": 0.0, "cross_blocks": 0},
        loss={"drop_interlocutor": 0.0, "drop_words": 0.0, "energy": 0.1, "voice": 0.1},
    )
    model, optimizer = build_model(config, manifest), optax.sgd(RATE)

    def make(lanes):
        return init_state(model, optimizer, lanes=lanes, seed=1, dropout_bits="threefry2x32")

    step = functools.partial(
        train_step,
        model=model,
        codec=manifest.pose_codec(),
        optimizer=optimizer,
        loss=config.loss,
        liveliness=open_liveliness(config, manifest),
    )
    return make, step, source_of(folder)


def beside(*trees):
    return jax.tree.map(lambda *x: jnp.concatenate(x), *trees)


def stacked(*trees):
    return jax.tree.map(lambda *x: np.stack(x), *trees)


def close(atol):
    return functools.partial(jax.tree.map, functools.partial(np.testing.assert_allclose, atol=atol))


@pytest.fixture(scope="module")
def accumulated(toy):
    """Returns `accumulated(mode, devices, fsdp, at_once)`: two steps of two segments each.

    It gives step, parameters and carry after each call, the losses, and the last metrics.
    """
    make, step, source = toy

    @functools.cache
    def run(mode, devices, fsdp=1, at_once=1):
        launcher = build_launcher(ParallelConfig(mode=mode, devices=devices, fsdp=fsdp), LANES)
        program = launcher.train(
            functools.partial(step, accumulate=2), segments=at_once, accumulate=2
        )
        state, losses, states = launcher.init(functools.partial(make, LANES)), [], []
        for first in range(0, 4, 2 * at_once):
            count = 2 * at_once
            batch = stacked(*(source[first + k] for k in range(count)))
            state, metrics = program(state, launcher.place(batch, segments=count))
            losses += np.ravel(metrics["loss"]).tolist()
            joined = launcher.to_checkpoint(state)
            states.append(jax.device_get((joined.step, joined.params, joined.carry)))
        return states, losses, metrics

    return run


def test_two_segments_are_one_of_twice_the_lanes(toy, accumulated):
    """The second half of those lanes begins with the memory that the first segment leaves."""
    make, step, source = toy
    wide = jax.jit(step)
    ((_, params, carry), (done, *got)), losses, metrics = accumulated("jit", 1)
    # The second step, before which lanes have a memory.
    first, second = source[2], source[3]
    assert first.frame_mask.sum() != second.frame_mask.sum()
    assert not second.is_start.all()
    before = make(2 * LANES).replace(params=params)

    def step_of(carry, later_carry, batch, later_batch):
        return wide(before.replace(carry=beside(carry, later_carry)), beside(batch, later_batch))

    alone, _ = step_of(carry, carry, first, first)
    between = jax.tree.map(lambda x: x[:LANES], alone.carry)
    wanted, expected = step_of(carry, between, first, second)
    assert done == 2
    assert losses[1] == metrics["loss"]
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=2e-5, err_msg=name)
    close(1e-6)(got[0], wanted.params)
    close(1e-4)(got[1], jax.tree.map(lambda x: x[LANES:], wanted.carry))
    # The mean of the segments' own steps is another one.
    later, _ = step_of(between, between, second, second)
    apart = jax.tree.map(lambda a, b, c: (a + b) / 2 - c, alone.params, later.params, wanted.params)
    assert optax.global_norm(apart) > 1e-4


def test_a_run_that_accumulates_reads_on_and_goes_on_bit_by_bit(records, tmp_path):
    folder, manifest = records
    config = toy_config(
        *(folder, tmp_path / "run"),
        training={
            "accumulate_segments": 2, "steps": 4, "log_every": 1, "validate_every": 0,
            "checkpoint_every": 2,
        },
        model={"cross_blocks": 0},
        optimizer={"first_moment_dtype": "bfloat16"},
        parallel={"devices": 1},
    )  # fmt: skip

    def trained():
        run = fit(config, manifest)
        lines = [json.loads(line) for line in (run / "log.jsonl").open()]
        parts = ocp.load_checkpointables(run / "checkpoints" / "latest" / "4")
        leaves = [*named_leaves(parts["params"]), *named_leaves(parts["training"])]
        return lines, {name: leaf for name, leaf in leaves if name != "key"}

    lines, whole = trained()
    source = source_of(folder)
    frames = [int(source[k].frame_mask.sum()) for k in range(8)]
    pairs = [a + b for a, b in zip(frames[::2], frames[1::2], strict=True)]
    assert [line["train/frames_per_step"] for line in lines] == pairs
    assert {leaf.dtype.name for name, leaf in whole.items() if ".mu." in name} == {"bfloat16"}
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "latest" / "4")
    again, stopped = trained()
    assert [line["train/loss"] for line in again] == [line["train/loss"] for line in lines]
    assert stopped.keys() == whole.keys()
    for name, leaf in stopped.items():
        np.testing.assert_array_equal(leaf, whole[name], err_msg=name)
