"""What `model.compute_dtype` promises: exact products for float32, a bounded drift for the rest."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import Precision

from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.state import start
from llavataros_jax.inference.step import prepare, step
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.kinematics import local_offsets_of, local_rotations_of
from llavataros_jax.motion.rotations import from_matrix, slerp
from llavataros_jax.motion.smoothing import (
    causal_kernels,
    causal_smooth,
    final_kernels,
    finish_smoothing,
    start_smoothing,
)
from tests.model.conftest import LANES, SIZES, cut, make_probe, random_speech
from tests.training.records import waving

BOTH = np.ones(LANES, bool)


def equations_in(program: Any) -> Iterator[Any]:
    """Yields the operations of a traced program, those of programs within it included."""
    for equation in program.eqns:
        yield equation
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from equations_in(inner)


def traced(function, *arguments, operation: str = "dot_general") -> list[Any]:
    """Returns the products of `function` where the user's own default is the coarsest."""
    with jax.default_matmul_precision("bfloat16"):
        program = jax.make_jaxpr(function)(*arguments).jaxpr
    return [e for e in equations_in(program) if e.primitive.name == operation]


def whole(probe):
    """Returns a loss by the whole form of two segments, the second with the memory of the first."""
    mask = jnp.ones((LANES, 12), bool)

    def loss(params):
        memory, total = probe.model.empty_memory(LANES), 0.0
        for first in (0, 12):
            main, other = (
                cut(speech, slice(first, first + 12)) for speech in (probe.main, probe.interlocutor)
            )
            pose, memory = probe.model.apply(
                params, main, other, BOTH, frame_mask=mask, memory=memory,
                dropout_key=jax.random.key(0),
            )  # fmt: skip
            total = total + pose.sum()
        return total

    return loss


def segment(probe):
    """Returns a loss by the whole form of one segment."""

    def loss(params):
        main, other = (cut(speech, slice(0, 12)) for speech in (probe.main, probe.interlocutor))
        pose, _ = probe.model.apply(
            params, main, other, BOTH, frame_mask=jnp.ones((LANES, 12), bool),
            memory=probe.model.empty_memory(LANES),
        )  # fmt: skip
        return pose.sum()

    return loss


def live_frames(count: int = 3, first: int = 0, lanes: int = LANES) -> Frames:
    main, other = (cut(random_speech(seed, lanes), slice(first, first + count)) for seed in (1, 2))
    spread = [
        speech.replace(
            words=np.take_along_axis(
                speech.words, np.maximum(speech.word_index, 0)[..., None], axis=1
            ),
            word_index=np.where(speech.word_index < 0, -1, np.arange(count, dtype=np.int32)),
        )
        for speech in (main, other)
    ]
    mask = np.ones((lanes, count), bool)
    return Frames(*spread, np.ones(lanes, bool), mask, np.zeros(lanes, bool))


WANTED = {
    "float32": (Precision.HIGHEST, Precision.HIGHEST),
    "tf32": (Precision.HIGH, Precision.HIGH),
}


@pytest.mark.parametrize("kind", ["float32", "tf32"])
@pytest.mark.slow
def test_each_product_of_the_network_states_its_precision(kind):
    probe = make_probe(variant="cross", norm="pre", compute_dtype=kind, word_bit=True)
    loss = whole(probe)
    forward, both_ways = traced(loss, probe.params), traced(jax.grad(loss), probe.params)
    assert len(forward) > 20
    assert len(both_ways) > 2 * len(forward)
    params = prepare(probe.model, probe.params)
    live = traced(
        functools.partial(step, probe.model, call_frames=3),
        params, start(probe.model, lanes=LANES, call_frames=3), live_frames(),
    )  # fmt: skip
    live += traced(probe.model.position_keys, probe.params)
    assert len(live) > 20
    exact = (Precision.HIGHEST, Precision.HIGHEST)
    for equation in (*forward, *both_ways, *live):
        of_output = SIZES.pose in (*equation.outvars[0].aval.shape, *equation.invars[1].aval.shape)
        assert equation.params["precision"] == (exact if of_output else WANTED[kind])


def test_smoothing_and_kinematics_are_exact_whatever_the_default():
    kernels, last = causal_kernels(30, 4), final_kernels(30, 4)
    state = start_smoothing(2, 5, window=len(kernels))
    values = jnp.ones((2, 3, 5))
    smoothing = traced(lambda s, v: causal_smooth(s, v, kernels=kernels), state, values)
    smoothing += traced(lambda s: finish_smoothing(s, kernels=last), state)
    assert [e.params["precision"] for e in smoothing] == 2 * [(Precision.HIGHEST,) * 2]

    motion = waving(1, 5)
    codec = PoseCodec.measure([(motion, 0)], 1)
    pose, parents = jnp.asarray(codec.encode(motion)), motion.skeleton.parents
    world = jnp.asarray(motion.quaternions)
    # Rotations are multiplied element by element; a matrix product among them must say HIGHEST.
    geometry = [
        (lambda p: codec.joint_positions(codec.denormalise(p), jnp.array(0)), pose),
        (lambda q: local_rotations_of(q, parents), world),
        (lambda q: local_offsets_of(q[..., :3], q, parents), world),
        (lambda q: slerp(q[1:], q[:-1], 0.5), world),
        (lambda m: from_matrix(m), jnp.ones((3, 3, 3))),
    ]  # fmt: skip
    for function, argument in geometry:
        for way in (function, jax.grad(lambda x, f=function: f(x).sum())):
            for equation in traced(way, argument):
                assert equation.params["precision"] == (Precision.HIGHEST,) * 2


@pytest.mark.slow
def test_tf32_runs_here_and_is_float32_on_a_cpu():
    exact, coarse = (
        make_probe(compute_dtype=kind, self_blocks=1, cross_blocks=0)
        for kind in ("float32", "tf32")
    )
    np.testing.assert_allclose(exact.run([12])[0], coarse.run([12])[0], atol=1e-5)


@functools.cache
def in_bfloat16(variant: str, activation: str = "float32"):
    return make_probe(
        variant=variant, norm="pre", compute_dtype="bfloat16", activation_dtype=activation
    )


# The variant of the front end, and the type of activations.
COARSE = [("plus", "float32"), ("cross", "float32"), ("cross", "bfloat16")]


@pytest.mark.parametrize(("variant", "activation"), COARSE)
@pytest.mark.slow
def test_bfloat16_drifts_little_and_its_output_is_not_rounded_to_it(variant, activation):
    exact, _ = make_probe(variant=variant, norm="pre").run([12, 12, 12])
    coarse, memory = in_bfloat16(variant, activation).run([12, 12, 12])
    assert (coarse.dtype, memory.hidden.dtype) == (np.float32, activation)
    drift = np.abs(coarse - exact)
    # Eight bits round to 2^-9 = 0.2 % of numbers of size 1; poses here have deviation 1.
    assert 1e-3 < drift.max() < 0.05
    assert drift.mean() < 0.01
    rounded = coarse.astype(jnp.bfloat16).astype(np.float32)
    assert (rounded == coarse).mean() < 0.01
    # And from frame to frame it does not tremble by more than it drifts.
    assert np.abs(np.diff(drift, axis=1)).mean() < 0.005


@pytest.mark.parametrize(("variant", "activation"), COARSE)
@pytest.mark.slow
def test_bfloat16_is_the_same_live(variant, activation):
    probe = in_bfloat16(variant, activation)
    expected, _ = probe.run([36])
    params = prepare(probe.model, probe.params)
    assert params.params["output"]["kernel"].dtype == jnp.float32
    assert params.params["self_blocks"][0]["attention"]["key"]["kernel"].dtype == jnp.bfloat16
    run = jax.jit(functools.partial(step, probe.model, call_frames=3))
    state, poses = start(probe.model, lanes=LANES, call_frames=3), []
    for first in range(0, 36, 3):
        pose, state = run(params, state, live_frames(3, first))
        poses.append(np.asarray(pose))
    apart = np.abs(np.concatenate(poses, axis=1) - expected)
    # Both round the same numbers; sums in another order cross a step of bfloat16 now and then.
    # Narrow activations are rounded in the whole form alone, where they drift as much as below.
    limits = (5e-3, 1e-4) if activation == "float32" else (0.05, 0.01)
    assert apart.max() < limits[0]
    assert apart.mean() < limits[1]


@pytest.mark.parametrize("kind", ["float32", "tf32", "bfloat16"])
def test_the_output_layer_is_float32_in_both_forms(kind):
    probe = make_probe(compute_dtype=kind, self_blocks=1, cross_blocks=0)
    params = prepare(probe.model, probe.params)
    state = start(probe.model, lanes=LANES, call_frames=3)
    live = functools.partial(step, probe.model, call_frames=3)
    both = (traced(whole(probe), probe.params), traced(live, params, state, live_frames()))
    for products in both:
        output = [e for e in products if e.outvars[0].aval.shape[-1] == SIZES.pose]
        assert output
        for equation in output:
            assert [x.aval.dtype for x in equation.invars] == 2 * [jnp.float32]
            assert equation.params["precision"] == (Precision.HIGHEST,) * 2


def test_the_position_term_is_added_as_float32():
    probe = make_probe(compute_dtype="bfloat16", self_blocks=1, cross_blocks=0)
    casts = traced(whole(probe), probe.params, operation="convert_element_type")
    narrowed = [
        cast.invars[0].aval.shape
        for cast in casts
        if cast.params["new_dtype"] == jnp.bfloat16 and cast.invars[0].aval.dtype == jnp.float32
    ]
    assert (2, LANES, 24, 4) in narrowed  # keys
    assert (2, LANES, 12, 12) not in narrowed  # scores by position
    assert narrowed.count((2, LANES, 12, 24)) == 2  # weights of two segments, and no scores


def products_in(text: str) -> list[tuple[str, ...]]:
    """Returns the types of each product's inputs and result in a StableHLO program."""
    form = r"stablehlo\.dot_general .*: \(tensor<([^>]*)>, tensor<([^>]*)>\) -> tensor<([^>]*)>"
    return re.findall(form, text)


def learned(kind: str, activation: str = "float32", *, rate: float = 0.01) -> np.ndarray:
    """Returns the loss of each step of a small network that learns a motion by heart."""
    probe = make_probe(
        compute_dtype=kind, activation_dtype=activation,
        norm="pre", self_blocks=1, cross_blocks=0, d_model=64, d_inner=256,
    )  # fmt: skip
    mask = jnp.ones((LANES, 12), bool)
    main, other = (cut(speech, slice(0, 12)) for speech in (probe.main, probe.interlocutor))
    target = jax.random.normal(jax.random.key(0), (LANES, 12, SIZES.pose))
    memory = probe.model.empty_memory(LANES)

    def loss(params):
        pose, _ = probe.model.apply(params, main, other, BOTH, frame_mask=mask, memory=memory)
        return jnp.square(pose - target).mean()

    def step(params, _):
        value, slope = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - rate * g, params, slope), value

    run = jax.jit(lambda params: jax.lax.scan(step, params, length=200)[1])
    return np.asarray(run(probe.params))


@pytest.mark.slow
def test_bfloat16_learns_as_float32_does():
    exact, coarse = learned("float32"), learned("bfloat16")
    assert exact[-1] < 0.2 * exact[0]
    # It strays by 0.12 %; by 0.27 % when sums of four products are added up in bfloat16.
    assert np.abs(coarse / exact - 1).max() < 0.002
    # Activations in bfloat16 as well: 0.13 %.
    assert np.abs(learned("bfloat16", "bfloat16") / exact - 1).max() < 0.002


@functools.cache
def gradient_program() -> str:
    """Returns the gradient of the whole network in bfloat16 as it goes to the compiler."""
    probe = make_probe(variant="cross", norm="pre", compute_dtype="bfloat16", word_bit=True)
    return jax.jit(jax.value_and_grad(segment(probe))).lower(probe.params).as_text()


def test_gradients_are_sums_in_a_fixed_order():
    # GPUs add what is scattered in any order.
    assert "scatter" not in gradient_program()


def test_bfloat16_is_multiplied_both_ways():
    found = products_in(gradient_program())
    kinds = [tuple(shape.split("x")[-1] for shape in product) for product in found]
    exact = [f for f, kind in zip(found, kinds, strict=True) if kind == ("f32", "f32", "f32")]
    assert kinds.count(("bf16", "bf16", "f32")) + len(exact) == len(found)
    assert kinds.count(("bf16", "bf16", "f32")) > 150
    of_output = [f for f in exact if any(str(SIZES.pose) in s.split("x")[:-1] for s in f)]
    assert len(exact) == len(of_output) == 3


def test_narrow_activations_are_what_products_of_the_blocks_return():
    probe = in_bfloat16("cross", "bfloat16")
    found = products_in(jax.jit(jax.grad(segment(probe))).lower(probe.params).as_text())
    results = [shape.split("x")[-1] for *_, shape in found]
    assert {tuple(s.split("x")[-1] for s in (a, b)) for a, b, _ in found} == {
        ("bf16", "bf16"), ("f32", "f32"),
    }  # fmt: skip
    # Scores, their gradients and those of the hidden layer are narrow, gradients of kernels not.
    shapes = {shape for *_, shape in found}
    assert f"2x{LANES}x12x24xbf16" in shapes
    assert f"2x{LANES}x12x24xf32" not in shapes
    assert {f"{12 * LANES}x32xbf16", "16x32xf32"} <= shapes
    assert f"{12 * LANES}x32xf32" not in shapes
    assert results.count("bf16") > 60
