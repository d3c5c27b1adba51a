"""The sampled head: against PyTorch, closed forms, and itself cut in other ways."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.config import FlowConfig
from llavataros_jax.model import Dials, GestureModel, Params, build, reset_sampling
from llavataros_jax.model.flow import FlowHead
from llavataros_jax.model.flow_errors import _history, flow_errors
from llavataros_jax.model.functions import _head
from llavataros_jax.model.noise import path_factor
from llavataros_jax.model.sampling import _integrated, sampling_of
from llavataros_jax.motion.pose_basis import PoseBasis
from tests.model.conftest import SIZES, small_config

LANES, FRAMES, SIZE = 3, 17, 4
RNG = np.random.default_rng(3)


def make(**flow) -> tuple[GestureModel, Params]:
    """Returns a network whose head has random parameters everywhere."""
    motion = np.cumsum(RNG.normal(size=(80, SIZE)), axis=0) @ RNG.normal(size=(SIZE, SIZES.pose))
    basis = PoseBasis.measure([motion], kept_variance=1.0)
    options = FlowConfig(**{"blocks": 2, "width": 8, **flow})
    model = build(small_config(head="flow"), SIZES, flow=options, basis=basis)
    params = model.init(jax.random.key(0))
    leaves, tree = jax.tree.flatten(params["flow"])
    drawn = [jnp.asarray(0.4 * RNG.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return model, {**params, "flow": jax.tree.unflatten(tree, drawn)}


FEATURE = jnp.asarray(RNG.normal(size=(LANES, FRAMES, 16)), jnp.float32)
SEEDS = np.array([7, 8, 9], np.uint32)
EXISTS = np.ones((LANES, FRAMES), bool)
FORMS = {
    "as measured": {},
    "residual": {"target": "residual", "noise_correlation": 0.9},
    "history": {"history_frames": 2, "condition_smoothing": 0.0, "pace": False},
}


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    model, params = make(**FORMS[request.param])
    return model, params, jax.jit(model.sample)


def drawn(form, *, feature=FEATURE, seeds=SEEDS, mask=None, cuts=(), **dials) -> np.ndarray:
    """Samples the frames of `feature` in pieces that end at `cuts`."""
    model, params, sample = form
    mask = EXISTS[: len(feature)] if mask is None else mask
    state, poses = model.start_sampling(seeds), []
    for start, stop in itertools.pairwise((0, *cuts, feature.shape[1])):
        pose, state = sample(
            params,
            feature[:, start:stop],
            state,
            Dials.of(len(feature), **dials),
            frame_mask=mask[:, start:stop],
        )
        poses.append(pose)
    return np.concatenate(poses, axis=1)


def test_the_same_seed_is_the_same_motion_however_it_is_cut(form):
    whole = drawn(form)
    assert np.ptp(whole, axis=1).min() > 1e-3
    np.testing.assert_allclose(drawn(form, cuts=(5, 6, 11)), whole, atol=1e-5)
    np.testing.assert_allclose(drawn(form, cuts=range(1, FRAMES)), whole, atol=1e-5)


def test_a_lane_knows_nothing_of_the_others(form):
    whole = drawn(form)
    order = np.array([2, 0])
    other = drawn(form, feature=FEATURE[order], seeds=SEEDS[order])
    np.testing.assert_allclose(other, whole[order], atol=1e-5)


def test_frames_that_do_not_exist_leave_no_trace(form):
    mask = RNG.random((LANES, 2 * FRAMES)) < 0.5
    mask[:, :FRAMES] |= np.arange(FRAMES) < FRAMES - mask.sum(1, keepdims=True).clip(0, FRAMES)
    exists = mask & (np.cumsum(mask, 1) <= FRAMES)
    feature = np.full((LANES, 2 * FRAMES, 16), 5.0, np.float32)
    wanted = drawn(form)
    for lane in range(LANES):
        count = exists[lane].sum()
        feature[lane, exists[lane]] = FEATURE[lane, :count]
    found = drawn(form, feature=jnp.asarray(feature), mask=exists, cuts=(9, 20))
    for lane in range(LANES):
        count = exists[lane].sum()
        np.testing.assert_allclose(found[lane, exists[lane]], wanted[lane, :count], atol=1e-5)


def test_a_lane_that_starts_again_begins_its_seed_again(form):
    model, params, sample = form
    dials = Dials.of(LANES)
    state = model.start_sampling(SEEDS)
    first, state = sample(params, FEATURE, state, dials, frame_mask=EXISTS)
    state = reset_sampling(state, jnp.array([True, False, True]))
    again, _ = sample(params, FEATURE, state, dials, frame_mask=EXISTS)
    np.testing.assert_allclose(again[::2], first[::2], atol=1e-5)
    assert np.abs(np.asarray(again[1] - first[1])).max() > 1e-2


def test_seeds_differ_by_as_much_as_the_temperature(form):
    spreads = []
    for temperature in (0.0, 0.3, 0.6, 1.0):
        one = drawn(form, temperature=temperature)
        other = drawn(form, seeds=SEEDS + np.uint32(10), temperature=temperature)
        spreads.append(np.abs(one - other).mean())
    assert spreads[0] == 0
    assert all(np.diff(spreads) > 0), spreads


def test_no_dial_and_no_seed_compiles_anew(form):
    drawn(form)
    before = form[2]._cache_size()
    for steps, temperature, guidance in ((1, 0.5, 1.0), (9, 2.0, 1.7)):
        seeds = SEEDS + np.uint32(steps)
        drawn(form, seeds=seeds, steps=steps, temperature=temperature, guidance=guidance)
    assert form[2]._cache_size() == before


class Linear(FlowHead):
    """A head whose velocity is -2 x where it hears and -x where it does not."""

    def __init__(self):
        pass

    def modulations(self, feature, *, heard=None, history=None):
        share = jnp.full(feature.shape[0], -2.0) if heard is None else jnp.full(len(heard), -1.0)
        return (jnp.broadcast_to(share[:, None, None], (*feature.shape[:2], SIZE)),)

    def velocity(self, x, time, modulations):
        return modulations[0] * x


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_steps_are_those_of_euler_and_guidance_goes_beyond(steps, guidance):
    start = jnp.asarray(RNG.normal(size=(LANES, 5, SIZE)), jnp.float32)
    dials = Dials.of(LANES, steps=steps, guidance=guidance)
    found = _integrated(Linear(), start, FEATURE[:, :5], None, dials)
    rate = -1 + guidance * (-2 + 1)
    np.testing.assert_allclose(found, start * (1 + rate / steps) ** steps, atol=1e-6)


def test_the_velocity_is_that_of_the_same_network_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, params = make()
    head, flow = _head(model._merged(params)), params["flow"]
    x = jnp.asarray(RNG.normal(size=(LANES, FRAMES, SIZE)), jnp.float32)
    time = jnp.array([0.0, 0.4, 1.0])
    found = head.velocity(x, time, head.modulations(FEATURE))

    def linear(layer, values):
        kernel, bias = (torch.tensor(np.asarray(layer[k])) for k in ("kernel", "bias"))
        return torch.nn.functional.linear(values, kernel.T, bias)

    def norm(values):
        return torch.nn.functional.layer_norm(values, values.shape[-1:])

    angles = torch.outer(torch.tensor(np.asarray(time)), torch.logspace(0, 2, 32))
    embedded = torch.cat([angles.sin(), angles.cos()], dim=-1)
    condition = torch.nn.functional.silu(linear(flow["hear"], torch.tensor(np.asarray(FEATURE))))
    y = linear(flow["enter"], torch.tensor(np.asarray(x)))
    for _, block in sorted(flow["blocks"].items()):
        modulation = linear(block["of_condition"], condition)
        modulation = modulation + linear(block["of_time"], embedded)[:, None]
        scale, shift, gate = modulation.chunk(3, dim=-1)
        inner = torch.nn.functional.silu(linear(block["up"], norm(y) * (1 + scale) + shift))
        y = y + gate * linear(block["down"], inner)
    np.testing.assert_allclose(found, linear(flow["leave"], norm(y)).numpy(), atol=2e-5)


def test_a_new_head_stands_still_and_leaves_the_trunk_as_it_is():
    model, _ = make()
    params = model.init(jax.random.key(4))
    plain = build(small_config(), SIZES).init(jax.random.key(4))
    for name, part in plain.items():
        jax.tree.map(np.testing.assert_array_equal, part, params[name])
    errors = _errors(model, _head(model._merged(params)))
    # Its velocity is 0 and its pace 1, so its errors are what it should have said.
    basis = model._sampling.basis
    components = basis.components(TARGET)
    noise, time = _draws(model)
    np.testing.assert_allclose(errors.velocity, noise - components, atol=1e-5)
    change = np.diff(noise - components, axis=2) / basis.rate_per_frame
    np.testing.assert_allclose(errors.change, change, atol=1e-3)
    speed = np.sqrt(np.square(np.diff(components, axis=1) / basis.rate_per_frame).mean(-1))
    np.testing.assert_allclose(errors.pace, 1 - speed, atol=1e-4)
    here = (1 - time[..., None, None]) * noise + time[..., None, None] * components
    np.testing.assert_allclose(errors.estimate, basis.poses(here[0]), atol=1e-4)


TARGET = RNG.normal(size=(LANES, FRAMES, SIZES.pose)).astype(np.float32)


def _errors(model: GestureModel, head: FlowHead):
    return flow_errors(
        head,
        model._sampling,
        FEATURE,
        jnp.zeros_like(TARGET),
        jnp.asarray(TARGET),
        frame_mask=jnp.asarray(EXISTS),
        path_factor=path_factor(model._sampling.noise, FRAMES),
        key=jax.random.key(5),
        drop_speech=0.0,
    )


def _draws(model: GestureModel) -> tuple[np.ndarray, np.ndarray]:
    """Draws noise and times by their addresses: times 0, noise 1."""
    key, shape = jax.random.key(5), (model._sampling.flow.repeats, LANES)
    white = jax.random.normal(jax.random.fold_in(key, 1), (*shape, FRAMES, SIZE))
    factor = path_factor(model._sampling.noise, FRAMES)
    noise = np.einsum("zts,kbsz->kbtz", factor, np.asarray(white))
    return noise, np.asarray(jax.random.uniform(jax.random.fold_in(key, 0), shape))


def test_a_head_that_knows_the_answer_makes_no_error():
    """Of Gaussian components the velocity is known; here of a point, which every x flows to."""
    model, _ = make(repeats=1)

    class Known(FlowHead):
        def __init__(self):
            pass

        def modulations(self, feature, *, heard=None, history=None):
            return ()

        def velocity(self, x, time, modulations):
            part = time[:, None, None]
            wanted = jnp.asarray(model._sampling.basis.components(TARGET))
            return (wanted - x) / (1 - part)

        def pace(self, feature):
            return jnp.ones(feature.shape[:2])

    errors = _errors(model, Known())
    np.testing.assert_allclose(errors.velocity, 0.0, atol=1e-3)
    np.testing.assert_allclose(errors.estimate, model._sampling.basis.poses(
        model._sampling.basis.components(TARGET)
    ), atol=1e-2)  # fmt: skip


def test_history_is_the_frames_before_and_is_hidden_and_blurred():
    sure, _ = make(history_frames=2, history_noise=0.0, history_dropout=0.0)
    components = jnp.asarray(RNG.normal(size=(LANES, FRAMES, SIZE)), jnp.float32)
    known = np.asarray(_history(sure._sampling, components, jax.random.key(0)))
    assert not known[:, :2].any()
    np.testing.assert_array_equal(known[:, 2:, :SIZE], components[:, 1:-1])
    np.testing.assert_array_equal(known[:, 2:, SIZE:], components[:, :-2])
    flow = dataclasses.replace(sure._sampling.flow, history_noise=0.4, history_dropout=0.4)
    unsure = sampling_of(flow, sure._sampling.basis)
    many = jnp.zeros((64, 50, SIZE))
    blurred = np.asarray(_history(unsure, many, jax.random.key(0)))[:, 2:]
    hidden = (blurred == 0).all(-1)
    assert hidden.mean() == pytest.approx(0.4, abs=0.03)
    assert blurred[~hidden].std() == pytest.approx(0.4, abs=0.01)
