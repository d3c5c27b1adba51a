"""The network against the original's figures, SciPy and the equations written out."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
import scipy.special

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import CHANNELS, KERNELS, STRIDES, checkpoint_shapes, padding
from llavataros_jax.pase.network import network, reflected
from llavataros_jax.pase.recurrence import initial_state
from llavataros_jax.pase.sinc import mel_edges, sinc_filters
from llavataros_jax.pase.stream import encode_whole
from tests.pase.seeded import DATA, golden, noise, seeded_params, seeded_tensors

# Crops of the golden's clip and what the original gives: steps, mean, deviation, first, last.
CROPS = {
    (16000, 16534): (3, 0.022403, 0.575127, -0.272372, -0.198604),
    (23466, 24000): (3, 0.015173, 0.540139, -0.304015, -0.288295),
    (16000, 16471): (3, 0.021352, 0.568324, -0.235819, -0.155771),
    (0, 16150): (100, 0.020843, 0.551101, -0.310610, -0.384227),
    (0, 31999): (200, 0.021578, 0.563227, -0.310610, -0.448274),
}


def test_golden_is_met():
    found = encode_whole(golden()["clip"][None], seeded_params())[0]
    np.testing.assert_allclose(found.T, golden()["out_fp64"], rtol=0, atol=1e-5)


@pytest.mark.slow
def test_every_stage_meets_the_golden():
    net = network(seeded_params())
    outputs = net.tower(jnp.asarray(golden()["clip"][None]), 32000)
    for number, output in enumerate(outputs):
        expected = golden()[f"block{number}_slice"]
        np.testing.assert_allclose(output[0, :64, :8].T, expected, rtol=0, atol=1e-5)
    encoded, _ = net.recurrence(outputs[-1], initial_state(1))
    np.testing.assert_allclose(encoded[0, :, :8], golden()["qrnn_slice"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("crop", CROPS)
def test_lengths_and_pooling_follow_the_original(crop):
    steps, mean, deviation, first, last = CROPS[crop]
    found = encode_whole(golden()["clip"][None, slice(*crop)], seeded_params())[0]
    assert found.shape == (steps, 256)
    figures = [found.mean(), found.std(), found[0, 0], found[-1, -1]]
    np.testing.assert_allclose(figures, [mean, deviation, first, last], rtol=0, atol=2e-6)


def test_too_short_a_recording_is_refused():
    assert encode_whole(noise(471)[None], seeded_params()).shape == (1, 3, 256)
    with pytest.raises(UserError, match=r"at least 471 samples.*has 470"):
        encode_whole(noise(470)[None], seeded_params())


def test_rows_do_not_touch_each_other():
    rows = np.stack([noise(1600, 0), noise(1600, 1)])
    together = encode_whole(rows, seeded_params())
    alone = encode_whole(rows[1:], seeded_params())
    np.testing.assert_allclose(together[1], alone[0], rtol=0, atol=1e-5)


def test_names_and_shapes_are_the_published_ones():
    path = DATA / "pase" / "pase_plus_state_dict_shapes.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    published = json.loads(path.read_text())
    ours = checkpoint_shapes()
    assert list(ours) == list(published)
    assert {name: list(shape) for name, shape in ours.items()} == {
        name: shape for name, (shape, _) in published.items()
    }
    assert sum(array.size for array in seeded_tensors().values()) == 7_837_257


@pytest.mark.parametrize(("number", "length"), [(0, 600), (1, 157), (2, 31), (3, 30), (7, 6)])
@pytest.mark.slow
def test_a_block_is_what_scipy_computes(number, length):
    x = np.random.default_rng(0).normal(size=(length, (1, *CHANNELS)[number]))
    tensors = {name: array.astype(np.float64) for name, array in seeded_tensors().items()}

    def of(name: str) -> np.ndarray:
        return tensors[f"blocks.{number}.{name}"]

    kernel, stride = KERNELS[number], STRIDES[number]
    padded = np.pad(x, (padding(kernel, stride), (0, 0)), mode="reflect")
    if number:
        weight, bias = of("conv.weight"), of("conv.bias")
    else:
        weight, bias = sinc_filters(of("conv.low_hz_"), of("conv.band_hz_"))[:, None], 0.0
    channels = [scipy.signal.correlate(padded, row.T, mode="valid")[::stride, 0] for row in weight]
    expected = np.stack(channels, axis=1) + bias
    deviation = np.sqrt(of("norm.running_var") + 1e-5)
    expected = (expected - of("norm.running_mean")) / deviation
    expected = expected * of("norm.weight") + of("norm.bias")
    expected = np.where(expected >= 0, expected, of("act.weight") * expected)
    block = network(seeded_params()).blocks[number]
    found = block(jnp.asarray(x[None], jnp.float32), length)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_reflection_is_numpys_and_ignores_what_lies_beyond_the_end():
    x = np.random.default_rng(0).normal(size=(1, 20, 3)).astype(np.float32)
    expected = np.pad(x[:, :13], ((0, 0), (4, 5), (0, 0)), mode="reflect")
    padded = jax.jit(reflected, static_argnums=(1, 2))(x, 4, 5, length=np.int32(13))
    np.testing.assert_array_equal(padded[:, :22], expected)


def test_the_recurrence_is_its_equations():
    tensors = seeded_tensors()
    x = np.random.default_rng(0).normal(size=(9, 512))
    weight, bias = (tensors[f"rnn.layers.0.linear.{name}"] for name in ("weight", "bias"))
    cell, before, expected = np.zeros(512), np.zeros(512), []
    for now in x:
        value, fresh, output = np.split(weight @ np.concatenate([now, before]) + bias, 3)
        fresh = scipy.special.expit(fresh)
        cell = fresh * np.tanh(value) + (1 - fresh) * cell
        expected.append(scipy.special.expit(output) * cell)
        before = now
    layer = network(seeded_params()).recurrence
    rows = jnp.asarray(x[None], jnp.float32)
    first, state = layer(rows[:, :4], initial_state(1))
    rest, _ = layer(rows[:, 4:], state)
    found = np.concatenate([first, rest], axis=1)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_filters_pass_their_band_and_nothing_else():
    low, band = mel_edges()
    filters = sinc_filters(low, band)
    frequencies, response = scipy.signal.freqz(filters[20], worN=8000, fs=16000)
    gain = np.abs(response) / np.abs(response).max()
    edges = 50 + low[20, 0], 100 + low[20, 0] + band[20, 0]
    assert gain[(frequencies > edges[0] + 50) & (frequencies < edges[1] - 50)].min() > 0.9
    assert gain[(frequencies < edges[0] - 200) | (frequencies > edges[1] + 200)].max() < 0.01
    assert filters.shape == (64, 251)
    np.testing.assert_array_equal(filters[:, 125], 1)


@pytest.mark.slow
def test_no_rank_is_promoted():
    with jax.numpy_rank_promotion("raise"):
        found = network(seeded_params())(jnp.asarray(noise(471)[None]))
    np.testing.assert_allclose(found, encode_whole(noise(471)[None], seeded_params()), atol=1e-5)
