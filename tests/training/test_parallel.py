"""One device, eight by `jit` and eight by `pmap` take the same steps."""

import functools

import jax
import numpy as np
import optax
import pytest

from llavataros_jax.config import ParallelConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.errors import UserError
from llavataros_jax.network import build_model
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step
from tests.training.records import toy_config, write_records

STEPS = 4


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
    def run(mode: str, devices: int):
        launcher = build_launcher(ParallelConfig(mode=mode, devices=devices), lanes=8)
        state, compiled = launcher.init(make), launcher.train(step)
        losses = []
        for number in range(STEPS):
            state, metrics = compiled(state, launcher.place(source[number]))
            losses.append(float(metrics["loss"]))
        joined = launcher.to_checkpoint(state)
        parts = {"params": joined.params, "average": joined.average, "carry": joined.carry}
        return jax.device_get(parts), losses

    return run


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.parametrize("mode", ["jit", "pmap"])
@pytest.mark.slow
def test_eight_devices_equal_one(trained, mode):
    one, one_losses = trained("jit", 1)
    eight, eight_losses = trained(mode, 8)
    np.testing.assert_allclose(eight_losses, one_losses, rtol=1e-5)
    assert one_losses[-1] != one_losses[0]
    for part, atol in (("params", 2e-6), ("average", 2e-6), ("carry", 1e-4)):
        close = functools.partial(np.testing.assert_allclose, atol=atol)
        jax.tree.map(close, eight[part], one[part])


def test_lanes_and_devices_must_fit():
    with pytest.raises(UserError, match=r"training\.lanes=6 does not divide among 4 devices"):
        build_launcher(ParallelConfig(devices=4), lanes=6)
    with pytest.raises(UserError, match=r"parallel\.devices=99"):
        build_launcher(ParallelConfig(devices=99), lanes=99)
    assert len(build_launcher(ParallelConfig(), lanes=6).devices) == 6
