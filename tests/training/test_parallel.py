"""One device, eight by `jit`, cut parameters and eight by `pmap` take the same steps."""

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec

from llavataros_jax.config import Config, ParallelConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.errors import UserError
from llavataros_jax.network import build_model
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.resumption import continued
from llavataros_jax.training.sharding import shared_spec, shared_specs
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step
from tests.training.records import toy_config, write_records

STEPS = 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    manifest = write_records(folder)
    config = toy_config(
        folder,
        folder / "run",
        model={"dropout": 0.0},
        loss={
            "drop_interlocutor": 0.0, "drop_words": 0.0,
            "energy": 0.1, "variance": 0.1, "voice": 0.1,
        },
    )  # fmt: skip
    model, codec = build_model(config, manifest), manifest.pose_codec()
    # Plain descent: AdamW divides by the root of tiny second moments and magnifies rounding.
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(1e-2))
    make = functools.partial(
        init_state,
        model,
        optimizer,
        lanes=8,
        seed=1,
        dropout_bits="threefry2x32",
        averaged=True,
    )
    step = functools.partial(
        train_step,
        model=model,
        codec=codec,
        optimizer=optimizer,
        loss=config.loss,
        liveliness=open_liveliness(config, manifest),
        ema_decay=0.9,
    )
    source = LaneSource(
        ClipReader(folder, "train"), lanes=8, segment_frames=20, seed=1, random_phase=True
    )

    @functools.cache
    def run(mode: str, devices: int, *, fsdp: int = 1, segments: int = 1):
        parallel = ParallelConfig(mode=mode, devices=devices, fsdp=fsdp)
        launcher = build_launcher(parallel, lanes=8)
        state, compiled = launcher.init(make), launcher.train(step, segments=segments)
        losses = []
        for number in range(0, STEPS, segments):
            batch = source[number]
            if segments > 1:
                several = [source[number + k] for k in range(segments)]
                batch = jax.tree.map(lambda *x: np.stack(x), *several)
            state, metrics = compiled(state, launcher.place(batch, segments=segments))
            losses += np.ravel(metrics["loss"]).tolist()
        joined = launcher.to_checkpoint(state)
        parts = {"params": joined.params, "average": joined.average, "carry": joined.carry}
        return jax.device_get(parts), losses, state

    return run


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.parametrize(("mode", "fsdp"), [("jit", 1), ("jit", 4), ("pmap", 1)])
@pytest.mark.slow
def test_eight_devices_equal_one(trained, mode, fsdp):
    one, one_losses, _ = trained("jit", 1)
    eight, eight_losses, _ = trained(mode, 8, fsdp=fsdp)
    np.testing.assert_allclose(eight_losses, one_losses, rtol=1e-5)
    assert one_losses[-1] != one_losses[0]
    for part, atol in (("params", 2e-6), ("average", 2e-6), ("carry", 1e-4)):
        close = functools.partial(np.testing.assert_allclose, atol=atol)
        jax.tree.map(close, eight[part], one[part])


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.parametrize("mode", ["jit", "pmap"])
@pytest.mark.slow
def test_several_segments_in_one_call_are_the_same_to_the_last_bit(trained, mode):
    one_by_one, losses, _ = trained(mode, 8)
    together, losses_of_steps, _ = trained(mode, 8, segments=STEPS)
    assert losses_of_steps == losses
    jax.tree.map(np.testing.assert_array_equal, together, one_by_one)


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.slow
def test_parameters_and_average_are_cut_and_lanes_are_dealt_over_all_devices(trained):
    _, _, state = trained("jit", 8, fsdp=4)
    for tree in (state.params, state.average):
        large = [leaf for leaf in jax.tree.leaves(tree) if leaf.size >= 16 * 16]
        assert large
        for leaf in large:
            assert leaf.addressable_shards[0].data.size == leaf.size // 4
    for leaf in jax.tree.leaves(state.carry):
        assert len({str(shard.index) for shard in leaf.addressable_shards}) == 8


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.parametrize("bits", ["threefry2x32", "rbg"])
def test_random_bits_do_not_depend_on_the_mesh(bits):
    drawn = [
        np.asarray(launcher.init(lambda: jax.random.bits(jax.random.key(7, impl=bits), (8, 5))))
        for launcher in (
            build_launcher(ParallelConfig(devices=1), 8),
            build_launcher(ParallelConfig(devices=8), 8),
            build_launcher(ParallelConfig(devices=8, fsdp=4), 8),
        )
    ]
    np.testing.assert_array_equal(drawn[1], drawn[0])
    np.testing.assert_array_equal(drawn[2], drawn[0])


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((), ()),
        ((16, 32), (None, "fsdp")),
        ((32, 16), ("fsdp",)),
        ((16, 16), ("fsdp",)),  # the first of equals
        ((8, 99), ("fsdp",)),  # the largest that divides, not the largest
        ((99, 3, 8), (None, None, "fsdp")),
        ((7, 9), ()),  # small enough to be whole
        ((0, 3), ()),
    ],
)
def test_an_array_is_cut_along_its_largest_axis_that_divides(shape, spec):
    assert shared_spec(shape, 8, name="w") == PartitionSpec(*spec)
    assert shared_spec(shape, 1, name="w") == PartitionSpec()


def test_a_large_array_that_no_axis_of_divides_is_refused_with_its_numbers():
    tree = {"main": {"w": np.broadcast_to(np.float32(0), (999, 1001))}}
    with pytest.raises(UserError, match=r"fsdp=8 divides no axis of main/w.*\(999, 1001\)"):
        shared_specs(tree, 8)


def test_a_run_that_goes_on_in_another_mode_is_told_of_other_bits():
    before = Config()
    now = dataclasses.replace(before, parallel=ParallelConfig(mode="pmap"))
    _, notes = continued(Path("run"), before, now)
    assert any("parallel.mode was jit and is now pmap" in note for note in notes)
    assert not continued(Path("run"), before, before)[1]


def test_lanes_and_devices_must_fit():
    with pytest.raises(UserError, match=r"training\.lanes=6 does not divide among 4 devices"):
        build_launcher(ParallelConfig(devices=4), lanes=6)
    with pytest.raises(UserError, match=r"parallel\.devices=99"):
        build_launcher(ParallelConfig(devices=99), lanes=99)
    assert len(build_launcher(ParallelConfig(), lanes=6).devices) == 6
    assert len(build_launcher(ParallelConfig(fsdp=4), lanes=12).devices) == 4
    with pytest.raises(UserError, match=r"parallel\.fsdp=3 must divide training\.lanes=8"):
        build_launcher(ParallelConfig(fsdp=3), lanes=8)
