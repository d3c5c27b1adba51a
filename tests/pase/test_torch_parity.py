"""Our network beside the same one in PyTorch, where that is installed."""

import numpy as np
import pytest

from llavataros_jax.pase.stream import encode_steps, encode_whole
from tests.pase.seeded import golden, noise, seeded_params, seeded_tensors

torch = pytest.importorskip("torch")
TorchPase = pytest.importorskip("llavataros.benchmark.pase_in_torch").TorchPase


def test_pytorch_meets_the_golden_too():
    found = TorchPase(seeded_tensors(), torch.float64)(golden()["clip"][None])
    np.testing.assert_allclose(found[0].T, golden()["out_fp64"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_samples", [471, 534, 1000, 9611, 16150])
def test_whole_recordings_agree(num_samples):
    sound = noise(num_samples)[None]
    expected = TorchPase(seeded_tensors(), torch.float64)(sound)
    found = encode_whole(sound, seeded_params())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_chunked_recording_agrees():
    sound = noise(32000)
    expected = TorchPase(seeded_tensors(), torch.float64)(sound[None])[0]
    found = np.concatenate(list(encode_steps(sound, seeded_params(), chunk_steps=24)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
