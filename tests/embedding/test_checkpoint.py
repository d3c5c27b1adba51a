"""The network and GENEA's checkpoints, beside NumPy, PyTorch and the published outputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.embedding.checkpoint import read_checkpoint, to_params
from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.network import network
from llavataros_jax.errors import UserError
from tests.embedding.oracle import checkpoint, run, seeded_state
from tests.embedding.real_files import CHECKPOINT, needs_files, reference
from tests.pase.torch_writer import WRITERS, write_zip


@functools.partial(jax.jit, static_argnums=0)
def ours(layout, params, given):
    return network(layout, params)(given)


def windows(frames, dims):
    return jnp.asarray(np.random.RandomState(0).randn(8, frames, dims), jnp.float32)


@needs_files
def test_the_published_network_gives_the_published_features():
    embedding = read_checkpoint(CHECKPOINT)
    assert embedding.layout == Layout(30, 168)
    assert (embedding.joints[0], embedding.joints[-1]) == ("body_world", "b_head")
    golden = reference("fgd_encoder_golden_seed0.npz")
    given = windows(30, 168)
    features, rebuilt = ours(embedding.layout, embedding.params, given)
    np.testing.assert_allclose(
        features, golden["genea23_model_checkpoint_30__feat"], rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(
        np.asarray(rebuilt)[:, :5, :7],
        golden["genea23_model_checkpoint_30__recon_slice"],
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("frames", "dims", "identity"), [(12, 3, True), (31, 27, False), (120, 12, True)]
)
def test_other_sizes_are_numpys(frames, dims, identity):
    state = seeded_state(frames, dims)
    layout, params = to_params(state, source="a.bin", identity_leaky=identity)
    assert layout == Layout(frames, dims, identity)
    given = windows(frames, dims)
    found = ours(layout, params, given)
    expected = run(state, np.asarray(given), dense_slope=1.0 if identity else 0.01)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("frames", "dims"), [(30, 168), (90, 27)])
def test_other_sizes_are_pytorchs(frames, dims):
    torch = pytest.importorskip("torch")
    from tests.embedding.in_torch import InTorch

    state, given = seeded_state(frames, dims), windows(frames, dims)
    oracle = InTorch(frames, dims)
    oracle.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    with torch.no_grad():
        expected = oracle.eval()(torch.tensor(np.array(given)))
    layout, params = to_params(state, source="a.bin")
    for one, other in zip(ours(layout, params, given), expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=1e-5)
    # In training too: by the statistics of the batch, which the running ones move towards.
    expected = oracle.train()(torch.tensor(np.array(given)))
    moving = network(layout, params)
    for one, other in zip(moving(given, training=True), expected, strict=True):
        np.testing.assert_allclose(one, other.detach().numpy(), rtol=0, atol=2e-5)
    np.testing.assert_allclose(
        moving.encoder.conv_norms[0].mean[...],
        oracle.pose_encoder["net"][0][1].running_mean.numpy(),
        rtol=0,
        atol=1e-6,
    )


def folder(path, frames=14, dims=6, *, seed=0):
    path.mkdir(exist_ok=True)
    write_zip(path / "model.bin", checkpoint(frames, dims, seed))
    np.save(path / "a_mean.npy", np.arange(dims) / 2)
    np.save(path / "a_std.npy", np.arange(dims) + 1.0)
    (path / "a_target_joints.txt").write_text("hips\nhand\n")
    return path / "model.bin"


def test_what_lies_beside_is_found(tmp_path):
    embedding = read_checkpoint(folder(tmp_path))
    assert embedding.joints == ("hips", "hand")
    assert embedding.std.tolist() == [1, 2, 3, 4, 5, 6]
    assert embedding.stride_frames == 7
    assert (embedding.fps, embedding.units_per_metre) == (30, 100)
    assert embedding.doubled_offsets
    assert embedding.drops_last_window


@pytest.mark.parametrize("kind", WRITERS)
def test_wrapped_weights_are_found(tmp_path, kind):
    state = seeded_state(14, 6)
    content = {"gen_dict": {f"module.{name}": array for name, array in state.items()}}
    folder(tmp_path)
    WRITERS[kind](tmp_path / "model.bin", content)
    found = read_checkpoint(tmp_path / "model.bin").params
    expected = to_params(state, source="a")[1]
    np.testing.assert_array_equal(
        found["decoder"]["convs"][0]["kernel"], expected["decoder"]["convs"][0]["kernel"]
    )


@pytest.mark.parametrize(
    ("name", "option"),
    [("a_mean.npy", "--mean"), ("a_std.npy", "--std"), ("a_target_joints.txt", "--joints")],
)
def test_what_is_missing_beside_is_asked_for(tmp_path, name, option):
    path = folder(tmp_path)
    (tmp_path / name).rename(tmp_path / f"x{name}")
    content = read_checkpoint(path)
    assert content.joints == ("hips", "hand")
    (tmp_path / name).write_bytes((tmp_path / f"x{name}").read_bytes())
    with pytest.raises(UserError, match=rf"2 files \*.* lie beside it .*; name it by {option}$"):
        read_checkpoint(path)
    (tmp_path / name).unlink()
    (tmp_path / f"x{name}").unlink()
    with pytest.raises(UserError, match=rf"does not hold .*no file \*.*; name it by {option}$"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a_mean.npy", np.zeros(9), "a_mean.npy holds 9 numbers, but .* has 6 a frame"),
        ("a_mean.npy", [np.nan] * 6, "holds 6 numbers that are not finite"),
        ("a_std.npy", [1, 1, 0, 1, 1, 1], "holds 1 numbers that are not positive"),
        ("a_std.npy", ["a"] * 6, "it holds no numbers"),
        ("a_target_joints.txt", "hips\n", "names 1 joints, but .* has 2"),
        ("a_target_joints.txt", "hips\nhips\n", "names 'hips' twice"),
        ("a_target_joints.txt", "\n", "is empty"),
    ],
)
def test_what_lies_beside_is_checked(tmp_path, name, content, said):
    path = folder(tmp_path)
    if isinstance(content, str):
        (tmp_path / name).write_text(content)
    else:
        np.save(tmp_path / name, np.array(content))
    with pytest.raises(UserError, match=said):
        read_checkpoint(path)


def without(name):
    state = seeded_state(14, 6)
    del state[name]
    return {"gen_dict": state}


def changed(name, array):
    state = seeded_state(14, 6)
    state[name] = np.asarray(array, np.float32)
    return {"gen_dict": state}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"weight": np.zeros(3, np.float32)}, "is not a GENEA autoencoder: it holds weight"),
        (without("decoder.net.7.bias"), r"is not .*: decoder\.net\.7\.bias is missing; give"),
        (changed("extra.weight", [1]), r"is not .*: extra\.weight is unknown"),
        (
            changed("pose_encoder.out_net.0.weight", np.zeros((256, 320))),
            r"pose_encoder\.out_net\.0\.weight has shape \(256, 320\)",
        ),
        (changed("decoder.net.1.bias", [np.nan] * 32), r"not finite in decoder\.net\.1\.bias"),
        ({**checkpoint(14, 6), "n_frames": 30}, "says n_frames 30, but its arrays are for 14"),
        (changed("pose_encoder.net.0.0.weight", np.zeros((128, 7, 3))), "7 numbers a frame"),
    ],
)
def test_other_checkpoints_are_refused(tmp_path, content, said):
    path = folder(tmp_path)
    write_zip(path, content)
    with pytest.raises(UserError, match=said):
        read_checkpoint(path)


def test_a_damaged_or_missing_checkpoint_is_refused(tmp_path):
    path = folder(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="not a PyTorch file, or damaged"):
        read_checkpoint(path)
    path.unlink()
    with pytest.raises(UserError, match="does not exist"):
        read_checkpoint(path)


@pytest.mark.parametrize(("frames", "dims"), [(11, 6), (30, 0), (30, 4)])
def test_sizes_that_no_network_has_are_refused(frames, dims):
    with pytest.raises(UserError, match=r"windows of 11 frames|none of joints"):
        Layout(frames, dims)
