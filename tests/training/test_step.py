"""One training step: what it changes, by finite differences, and a golden number."""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import yaml

from llavataros_jax.batch import Speech
from llavataros_jax.config.file import config_to_dict
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.network import build_model, with_pose_basis
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.losses import loss_sums, loss_weights, weighted_loss
from llavataros_jax.training.optimizer import build_optimizer
from llavataros_jax.training.segment_loss import without_words
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step
from tests.training.records import toy_config, write_records

RATE = 0.1
GOLDEN = Path(__file__).with_name("golden_step.yaml")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    manifest = write_records(folder)
    told = {"drop_interlocutor": 0.0, "drop_words": 0.0}
    config = toy_config(folder, folder / "run", model={"dropout": 0.0}, loss=told)
    model, optimizer = build_model(config, manifest), optax.sgd(RATE)
    state = init_state(model, optimizer, lanes=8, seed=1, dropout_bits="threefry2x32")
    batch = LaneSource(
        ClipReader(folder, "train"), lanes=8, segment_frames=20, seed=1, random_phase=False
    )[0]
    step = jax.jit(
        functools.partial(
            train_step,
            model=model,
            codec=manifest.pose_codec(),
            optimizer=optimizer,
            loss=config.loss,
        )
    )
    return config, manifest, model, state, batch, step


@pytest.mark.parametrize(
    ("variant", "head", "accumulate"),
    [("text", "regression", 1), ("audio", "flow", 2), ("plus", "flow", 1), ("cross", "flow", 1)],
)
@pytest.mark.slow
def test_no_sum_of_the_step_depends_on_the_order_of_threads(toy, variant, head, accumulate):
    """GPUs scatter by atomic additions, in another order each time. A flow regresses, too."""
    first, manifest, *_, batch, _ = toy
    config = toy_config(
        *(first.data.records, first.training.run),
        model={"variant": variant, "head": head, "cross_blocks": int(variant != "text")},
        flow={"width": 8, "blocks": 1, "history_frames": 1, "geometric": 0.1},
        loss={"energy": 0.1, "variance": 0.1, "voice": 0.1},
        optimizer={"ema_decay": 0.9},
    )
    manifest = with_pose_basis(config, manifest)
    model, optimizer = build_model(config, manifest), build_optimizer(config.optimizer, 9)
    options = {"lanes": 8, "seed": 1, "dropout_bits": "threefry2x32", "averaged": True}
    state = jax.eval_shape(functools.partial(init_state, model, optimizer, **options))
    step = functools.partial(
        train_step,
        model=model,
        codec=manifest.pose_codec(),
        optimizer=optimizer,
        loss=config.loss,
        liveliness=open_liveliness(config, manifest),
        ema_decay=config.optimizer.ema_decay,
        accumulate=accumulate,
    )
    if accumulate > 1:
        batch = jax.tree.map(lambda x: np.stack([x] * accumulate), batch)
    assert "scatter" not in jax.jit(step).lower(state, batch).as_text()


@pytest.mark.slow
def test_the_update_is_the_slope_of_the_loss(toy):
    """Plain descent moves by rate × gradient, which central differences of the loss confirm."""
    config, manifest, model, state, batch, step = toy
    codec = manifest.pose_codec()
    after, metrics = step(state, batch)

    @jax.jit
    def loss(params):
        pose, _ = model.apply(
            params,
            batch.main,
            batch.interlocutor,
            jnp.asarray(batch.interlocutor_present),
            frame_mask=jnp.asarray(batch.frame_mask),
            memory=state.carry.memory,
        )
        sums, _ = loss_sums(pose, batch, state.carry, codec=codec)
        return weighted_loss(sums, loss_weights(batch, state.carry, codec), config.loss)

    np.testing.assert_allclose(loss(state.params), metrics["loss"], rtol=1e-5)
    # L1 has kinks, so the step along a direction is compared, not single numbers.
    gradient = jax.tree.map(lambda a, b: (a - b) / RATE, state.params, after.params)
    length = float(optax.global_norm(gradient))
    np.testing.assert_allclose(length, metrics["gradient_norm"], rtol=1e-4)
    epsilon = 1e-3

    def moved(distance: float):
        return jax.tree.map(lambda p, g: p + distance * g / length, state.params, gradient)

    slope = (float(loss(moved(epsilon))) - float(loss(moved(-epsilon)))) / (2 * epsilon)
    assert slope == pytest.approx(length, rel=0.03)


def test_one_step_is_golden(toy):
    """Numbers that may change only on purpose: say why in the commit that changes them."""
    config, *_, state, batch, step = toy
    golden = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
    # A default that changed must be given its old value here, or new numbers.
    resolved = config_to_dict(config)
    for section, options in golden["config"].items():
        assert {name: resolved[section].get(name) for name in options} == options
    after, first = step(state, batch)
    _, second = step(after, batch)
    assert int(after.step) == 1
    wanted, numbers = golden["numbers"], (first["loss"], first["gradient_norm"], second["loss"])
    np.testing.assert_allclose(numbers, list(wanted.values()), rtol=2e-4)


def test_hidden_words_are_learned_from_sound_alone(toy):
    """With all words hidden, the step is that of a batch without any; half of them, some lanes."""
    config, manifest, model, state, batch, step = toy

    def with_drop(share: float):
        return jax.jit(
            functools.partial(
                train_step,
                model=model,
                codec=manifest.pose_codec(),
                optimizer=optax.sgd(RATE),
                loss=dataclasses.replace(config.loss, drop_words=share),
            )
        )

    mute = jax.tree.map(np.array, batch)
    mute.main.word_index[:] = -1
    mute.interlocutor.word_index[:] = -1
    hidden, _ = with_drop(1.0)(state, batch)
    wanted, _ = step(state, mute)
    jax.tree.map(np.testing.assert_array_equal, hidden.params, wanted.params)
    told, _ = step(state, batch)
    some, _ = with_drop(0.5)(state, batch)
    for other in (hidden, told):
        assert optax.global_norm(jax.tree.map(jnp.subtract, some.params, other.params)) > 1e-6


def test_words_are_hidden_by_lanes():
    speech = Speech(
        audio=np.zeros((2, 3, 1), np.float32),
        words=np.zeros((2, 2, 1), np.float32),
        word_index=np.array([[0, 1, -1], [1, 1, 0]], np.int32),
        speaker=np.zeros(2, np.int32),
    )
    kept = without_words(speech, jnp.array([True, False]))
    np.testing.assert_array_equal(kept.word_index, [[0, 1, -1], [-1, -1, -1]])
