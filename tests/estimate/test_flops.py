"""The FLOP that are counted by hand against those of the traced step and of XLA."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.extend.core import ClosedJaxpr, Jaxpr, Var

from llavataros_jax.batch import Speech
from llavataros_jax.config import FlowConfig, ModelConfig, OptimizerConfig
from llavataros_jax.model import GestureModel, Sizes, build
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.training.flops import flop_per_frame, optimizer_flop
from llavataros_jax.training.moving_average import moving_average
from llavataros_jax.training.optimizer import build_optimizer

MIDDLE: dict[str, Any] = dict(
    d_model=128, heads=2, d_head=64, d_inner=256, segment_frames=64, memory_frames=64
)
SMALL_SIZES = Sizes(audio=6, text=7, pose=21, speakers=3)
PUBLISHED_SIZES = Sizes(audio=768, text=4096, pose=501, speakers=17)
WORDS = {SMALL_SIZES: 5, PUBLISHED_SIZES: 16}
LANES = 4


def network(sizes: Sizes, *, flow: FlowConfig | None = None, **options) -> GestureModel:
    """Returns a network of one block of each kind."""
    defaults = {"self_blocks": 1, "cross_blocks": 1, "dropout": 0.0}
    head = "regression" if flow is None else "flow"
    config = ModelConfig(**{**defaults, **options, "head": head})
    axes = np.eye(9, sizes.pose, dtype=np.float32)
    ones = np.ones(9, np.float32)
    basis = PoseBasis(np.zeros(sizes.pose, np.float32), axes, ones, ones)
    return build(config, sizes, flow=flow, basis=basis)


def gradient_of(model: GestureModel) -> tuple[Callable, tuple]:
    """Returns the step's loss with its gradient, and abstract arguments.

    Of the loss's terms it has those without products: all that is left are the network's.
    """
    config, sizes = model.config, model.sizes
    frames, words = config.segment_frames, WORDS[sizes]
    exists = jnp.ones((LANES, frames), bool)

    def speech() -> Speech:
        return Speech(
            audio=jnp.zeros((LANES, frames, sizes.audio)),
            words=jnp.zeros((LANES, words, sizes.text)),
            word_index=jnp.zeros((LANES, frames), jnp.int32),
            speaker=jnp.zeros(LANES, jnp.int32),
        )

    def loss(params, memory, people, poses):
        present = jnp.ones(LANES, bool)
        feature, after = model.trunk(
            params, people[0], people[1], present, frame_mask=exists, memory=memory
        )
        pose = model.regress(params, feature)
        total = jnp.abs(pose - poses).sum()
        if model.sampling is not None:
            key = jax.random.key(0)
            errors = model.flow_errors(
                params, feature, pose, poses, frame_mask=exists, key=key, is_training=True
            )
            total = total + sum(
                jnp.abs(x).sum() for x in (errors.velocity, errors.change, errors.pace)
            )
            if model.sampling.flow.geometric:
                total = total + jnp.abs(errors.estimate - poses).sum()
        return total, after

    def arguments() -> tuple:
        poses = jnp.zeros((LANES, frames, sizes.pose))
        memory = model.empty_memory(LANES)
        return model.init(jax.random.key(0)), memory, (speech(), speech()), poses

    return jax.value_and_grad(loss, has_aux=True), jax.eval_shape(arguments)


def products_of(jaxpr: Any) -> int:
    """Adds up the FLOP of the matrix products that the results of a traced function need."""
    live, total = {v for v in jaxpr.outvars if isinstance(v, Var)}, 0
    for equation in reversed(jaxpr.eqns):
        if not live.intersection(equation.outvars):
            continue
        live |= {v for v in equation.invars if isinstance(v, Var)}
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            lengths = [equation.invars[0].aval.shape[axis] for axis in contracted]
            total += 2 * int(np.prod([*lengths, *equation.outvars[0].aval.shape]))
        inner = [p for p in equation.params.values() if isinstance(p, ClosedJaxpr | Jaxpr)]
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += times * sum(products_of(getattr(p, "jaxpr", p)) for p in inner)
    return total


def counted(model: GestureModel) -> int:
    """Returns the FLOP of the step by hand."""
    per_frame = flop_per_frame(model, lanes=LANES, segment_words=WORDS[model.sizes])
    return round(per_frame * LANES * model.config.segment_frames)


FLOW = FlowConfig(blocks=2, width=10, repeats=3)
RICH = FlowConfig(blocks=1, width=10, target="residual", history_frames=2, geometric=0.1)
NETWORKS: dict[str, dict[str, Any]] = {
    "plus": {},
    "text": dict(variant="text", word_bit=True, cross_blocks=2),
    "audio": dict(variant="audio", cross_blocks=0, norm="pre"),
    "cross": dict(variant="cross", norm="pre", self_blocks=2),
    "cross, post": dict(variant="cross", cross_blocks=0),
    "flow": dict(flow=FLOW, norm="pre", cross_memory="main_encoder"),
    "flow, rich": dict(flow=RICH, cross_blocks=0, variant="audio"),
}


SLOW = ("text", "cross, post", "flow, rich", "flow, published")
# At the published size, whose FLOP XLA counts without compiling; the others have MIDDLE's sizes.
LARGE = {"published": {}, "flow, published": dict(flow=FlowConfig())}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in (*NETWORKS, *LARGE)],
)
def test_all_products_of_the_step_are_counted_and_there_is_little_else(name: str) -> None:
    if name in LARGE:
        model, most = network(PUBLISHED_SIZES, **LARGE[name]), 1.004
    else:
        model, most = network(SMALL_SIZES, **{**MIDDLE, **NETWORKS[name]}), 1.03
    function, arguments = gradient_of(model)
    traced = jax.jit(function).trace(*arguments)
    wanted = counted(model)
    assert products_of(traced.jaxpr.jaxpr) == wanted
    # What is no product: softmax, norms, rectifiers, errors. The smaller the network, the more.
    xla = traced.lower().cost_analysis()
    assert xla
    assert 1.0005 < xla["flops"] / wanted < most


@pytest.mark.slow
def test_the_compiled_program_has_these_products_too() -> None:
    model = network(SMALL_SIZES, **MIDDLE, cross_blocks=0)
    function, arguments = gradient_of(model)
    compiled = jax.jit(function).lower(*arguments).compile()
    # Fused operations are computed again where they are read again, so there are more of them.
    xla = compiled.cost_analysis()
    assert xla
    assert 1.0 < xla["flops"] / counted(model) < 1.05


@pytest.mark.parametrize(("clip_norm", "averages"), [(0.0, False), (1.0, False), (1.0, True)])
def test_the_optimisers_flop_are_xlas(clip_norm: float, averages: bool) -> None:
    optimizer = build_optimizer(OptimizerConfig(clip_norm=clip_norm), 100)
    params = jax.ShapeDtypeStruct((1000, 1000), jnp.float32)

    def update(params, gradient, state, average):
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        if averages:
            average = moving_average(average, params, jnp.int32(5), decay=0.9)
        return params, state, average, optax.global_norm(gradient)

    with jax.numpy_dtype_promotion("standard"):
        state = jax.eval_shape(optimizer.init, params)
        lowered = jax.jit(update).lower(params, params, state, params)
    cost = lowered.cost_analysis()
    assert cost
    mine = optimizer_flop(params.size, clips=clip_norm > 0, averages=averages)
    assert cost["flops"] + cost["transcendentals"] == pytest.approx(mine, rel=0.001)
