"""What training programs put around a network's tensors, taken off."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.weights.wrapping import unwrapped

OWN = {"bias": np.ones(2), "layers.0.weight": np.arange(6.0), "layers.1.weight": np.zeros(3)}
LANDMARKS = ("bias", "layers.0.weight")


def taken(content):
    return unwrapped(content, LANDMARKS, source="a.ckpt", network="our network")


def under(prefix):
    return {prefix + name: array for name, array in OWN.items()}


WRAPPED = {
    "bare": OWN,
    "data parallel": under("module."),
    "compiled": under("_orig_mod."),
    "compiled data parallel": under("module._orig_mod."),
    "data parallel compiled": under("_orig_mod.module."),
    "lightning": {"state_dict": under("model."), "epoch": 3, "optimizer_states": [{}]},
    "lightning and compiled": {"state_dict": under("model._orig_mod."), "hyper_parameters": {}},
    "two keys": {"checkpoint": {"model_state_dict": under("module.")}, "step": np.array(3)},
    "a compiled part": {
        "bias": OWN["bias"],
        **{f"layers._orig_mod.{i}.module.weight": OWN[f"layers.{i}.weight"] for i in (0, 1)},
    },
    "flat npz": under("state_dict/"),
    "another part beside": {**under("frontend."), "head.weight": np.zeros(1)},
    "stochastic weight averaging": {**under("module."), "n_averaged": np.array(5)},
    "plain values beside": {**OWN, "epoch": 3, "args": {"lr": 0.1}},
    "an average beside": {"model": under("module."), "ema": under("module.")},
    "an average in lightning": {"state_dict": {**under("model."), **under("ema_model.")}},
    "optimizer of the same names": {
        "optimizer": {"state": {"layers.0.weight": np.zeros(6)}}, "net": OWN,
    },
    "the same twice": {"state_dict": OWN, "model": dict(OWN)},
}  # fmt: skip


@pytest.mark.parametrize("kind", WRAPPED)
def test_a_wrapper_is_taken_off(kind):
    found = taken(WRAPPED[kind])
    assert found.keys() == OWN.keys()
    for name, array in OWN.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_the_network_does_not_know_stays_to_be_refused_by_name():
    found = taken({"model": {**under("module."), "module.extra": np.zeros(1)}, "epoch": 1})
    assert found.keys() == {*OWN, "extra"}


def test_a_network_of_its_own_called_module_keeps_its_name():
    content = {"module.bias": np.ones(1), "bias": np.zeros(1)}
    assert unwrapped(content, ("bias", "module.bias"), source="a", network="b").keys() == {
        "bias",
        "module.bias",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"a\.ckpt is not our network: it holds a NoneType, and .* such as bias"),
        ([OWN], "it holds a list"),
        ({}, "it holds nothing"),
        ({"bias": "text"}, r"it holds bias \(str\)"),
        ({"epoch": 3, "model": {"other.w": np.ones(2)}}, r"epoch \(int\), model/other\.w,"),
        ({f"w{i}": np.ones(1) for i in range(30)}, "and 22 more"),
    ],
)  # fmt: skip
def test_other_content_is_refused_and_named(content, message):
    with pytest.raises(UserError, match=message) as refusal:
        taken(content)
    assert "\n" not in str(refusal.value)


def test_two_networks_are_not_chosen_between():
    other = {name: array + 1 for name, array in OWN.items()}
    with pytest.raises(UserError, match="holds our network at best and at last; write one"):
        taken({"best": OWN, "last": other})


def test_content_in_a_ring_ends():
    ring: dict = {"epoch": 1}
    ring["self"] = ring
    with pytest.raises(UserError, match="is not our network"):
        taken(ring)
