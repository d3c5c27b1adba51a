"""The network in PyTorch beside ours: poses, memory and gradients, and what is refused."""

import dataclasses
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from llavataros.benchmark.train_task import TASKS
from llavataros_jax.ancestor.weights import from_ancestor
from llavataros_jax.errors import UserError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
parity = pytest.importorskip("llavataros.benchmark.train_parity")
_ancestor = pytest.importorskip("llavataros.benchmark.train_ancestor")
Ancestor, ANCESTOR = _ancestor.Ancestor, _ancestor.ANCESTOR


def network_of(reference, *, fused=False):
    return parity.TorchNetwork(reference.task.config, reference.task.sizes, fused=fused)


@pytest.fixture(scope="module")
def reference():
    return parity.Reference.of(TASKS["small"])


@pytest.fixture(scope="module")
def found(reference):
    return parity.differences(reference, network_of(reference))


@pytest.mark.parametrize("fused", [False, True])
def test_poses_memory_and_gradients_agree(reference, found, fused):
    if fused:
        found = parity.differences(reference, network_of(reference, fused=True))
    assert found.pose <= 1e-5
    assert found.memory <= 1e-5
    assert found.gradient <= 1e-4, found.tensor
    found.check("it")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("position_bias", "poses differ"),
        ("cross_blocks.1.attention.position.weight", "gradients by"),
        ("self_blocks.0.attention_norm.bias", "memory by"),
    ],
)
def test_another_network_is_refused(reference, name, wrong):
    def spoilt(params):
        tensors = parity.from_ours(params)
        return tensors | {name: -tensors[name]}

    form = parity.RESTATED._replace(tensors=spoilt)
    with pytest.raises(UserError, match=rf"it is not our network, so nothing is timed: .*{wrong}"):
        parity.differences(reference, network_of(reference), form).check("it")


def test_a_network_of_other_parts_is_refused(reference):
    form = parity.RESTATED._replace(
        tensors=lambda params: parity.from_ours(params) | {"gate": np.zeros(1)}
    )
    with pytest.raises(UserError, match="has no gate"):
        parity.differences(reference, network_of(reference), form)


def test_no_number_is_refused(found):
    for part in ("pose", "memory", "gradient"):
        with pytest.raises(UserError, match="nothing is timed"):
            dataclasses.replace(found, **{part: np.nan}).check("it")


def test_the_ancestors_tensors_are_what_its_reader_takes(reference):
    tensors = {
        name.removeprefix("network."): x for name, x in ANCESTOR.tensors(reference.params).items()
    }
    config, sizes = reference.task.config, reference.task.sizes
    network = from_ancestor(
        tensors,
        audio_size=sizes.audio,
        memory_frames=config.memory_frames,
        segment_frames=config.segment_frames,
    )
    assert network.sizes == sizes
    assert network.config == dataclasses.replace(config, dropout=network.config.dropout)
    jax.tree.map(np.testing.assert_array_equal, network.params, dict(reference.params))


def test_a_wrong_clone_of_the_ancestor_is_refused(reference, tmp_path):
    with pytest.raises(UserError, match=f"UEA_REPO={tmp_path} is no clone of UEA-DH-GENEA23"):
        Ancestor(tmp_path, reference.task)


@pytest.mark.skipif("UEA_REPO" not in os.environ, reason="UEA_REPO names no clone of the ancestor")
def test_a_clone_of_the_ancestor_agrees(reference):
    network = Ancestor(Path(os.environ["UEA_REPO"]), reference.task)
    parity.differences(reference, network, ANCESTOR).check("the ancestor")
