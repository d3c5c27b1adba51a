"""Training: what it learns from, that it learns, and that it does so twice alike."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.embedding.features import features
from llavataros_jax.embedding.file import read_embedding, write_embedding
from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.material import Clip, gather
from llavataros_jax.embedding.training import Settings, _adam, epoch, fit, initial, split
from llavataros_jax.errors import UserError
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.embedding.people import JOINTS, waving

SMALL = Settings(window_frames=14, stride_frames=7, epochs=2, batch_windows=8)


def clips(count=6, *, num_frames=60, fps=30.0):
    return [
        Clip(f"clip{seed}", f"take{seed}", of_motion(waving(num_frames, fps=fps, seed=seed)))
        for seed in range(count)
    ]


def gathered(given, **options):
    defaults = {"window_frames": 14, "stride_frames": 7, "held_out": 0.3, "seed": 0}
    return gather(given, **{**defaults, **options})


def test_statistics_are_those_of_the_clips_to_train_on():
    material = gathered(clips())
    assert len(material.held_out) == 2 * 7
    assert len(material.train) == 4 * 7
    frames = material.train.frames
    assert frames.shape == (4 * 60, 9)
    np.testing.assert_allclose(frames.mean(axis=0, dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(frames.std(axis=0, dtype=np.float64), 1, atol=1e-5)
    assert (material.joints, material.fps, material.num_clips) == (JOINTS, 30.0, 6)


def test_no_window_reaches_over_the_end_of_a_clip():
    given = clips(3, num_frames=59)
    material = gathered(given, held_out=0.0)
    assert not len(material.held_out)
    starts = [59 * clip + start for clip in range(3) for start in range(0, 46, 7)]
    assert material.train.starts.tolist() == starts
    flat = np.concatenate([clip.trajectories.positions.reshape(59, 9) for clip in given])
    expected = (flat - flat.mean(axis=0)) / flat.std(axis=0)
    np.testing.assert_allclose(material.train.frames, expected, atol=1e-4)


def test_a_take_and_its_mirror_are_held_out_together():
    given = [
        Clip(f"{take}{side}", take, of_motion(waving(60, seed=ord(take))))
        for take in "abcdef"
        for side in ("", "_mirrored")
    ]
    for seed in range(5):
        material = gathered(given, held_out=0.2, seed=seed)
        assert len(material.held_out) == 2 * 7
        frames = material.held_out.frames
        np.testing.assert_array_equal(frames[:60], frames[60:])


def test_the_end_of_a_single_take_is_held_out():
    material = gathered(clips(1, num_frames=200), held_out=0.1)
    assert len(material.train.frames) == 160
    assert len(material.held_out.frames) == 40
    assert not len(gathered(clips(1, num_frames=50)).held_out)


def test_what_never_moves_is_named_and_left_as_it_is():
    held = clips()
    for number, clip in enumerate(held):
        positions = clip.trajectories.positions.copy()
        positions[:, 0, 1] = 1.25
        held[number] = dataclasses.replace(clip, trajectories=of_positions(positions, 30, JOINTS))
    material = gathered(held, joints=JOINTS)
    assert material.still == ("hips y",)
    assert material.std[1] == 1.0
    np.testing.assert_allclose(material.train.frames[:, 1], 0, atol=1e-6)


def test_some_joints_will_do():
    material = gathered(clips(), joints=("hand", "hips"))
    assert material.joints == ("hand", "hips")
    whole = gathered(clips())
    np.testing.assert_array_equal(material.train.frames[:, :3], whole.train.frames[:, 6:])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "there is no motion to train on"),
        (clips(2, num_frames=13), "2 clips of 13 frames at most make 0 windows of 14 frames"),
        (clips(2, num_frames=1), "2 clips of 1 frames at most make 0 windows"),
        (
            [*clips(1), Clip("b", "b", of_motion(waving(60, fps=25)))],
            "clip b has 25 frames per second, the first one 30",
        ),
        (
            [*clips(1), Clip("b", "b", of_positions(waving().positions[:, :2], 30, JOINTS[:2]))],
            r"clip b has 2 joints \(hips, elbow\), and hand are not among them",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused(given, said):
    with pytest.raises(UserError, match=said):
        gathered(given)


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"batch_windows": 1}, "--batch"),
        ({"stride_frames": 0}, "--stride"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"learning_rate": float("nan")}, "--learning-rate"),
        ({"seed": -1}, "--seed"),
        ({"seed": 2**32}, "--seed"),
    ],
)
def test_settings_are_checked(wrong, option):
    with pytest.raises(UserError, match=f"^{option} must"):
        Settings(**wrong)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, settings in (
        ("a", SMALL),
        ("b", SMALL),
        ("c", dataclasses.replace(SMALL, seed=1)),
    ):
        told = []
        write_embedding(
            tmp_path / f"{name}.safetensors",
            fit(gathered(clips()), settings, report=told.append),
        )
        assert [progress.epoch for progress in told] == [1, 2]
    one, two, other = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert one == two
    assert one != other
    found = read_embedding(tmp_path / "a.safetensors")
    assert found.about["clips"] == 6
    assert found.about["held_out_errors"]["deviations"] > 0
    assert features(found, clips()[0].trajectories).shape == (7, 32)


@pytest.mark.slow
def test_motion_that_was_held_out_is_rebuilt():
    material = gathered(clips(1, num_frames=1500), stride_frames=2)
    errors = []
    fit(
        material,
        dataclasses.replace(SMALL, epochs=20, learning_rate=2e-3),
        report=lambda progress: errors.append(progress.errors),
    )
    measured = [error for error in errors if error is not None]
    assert len(measured) == 5  # after 1, 2, 5, 10 and 20 epochs
    assert measured[-1].deviations < 0.3 * measured[-1].mean_pose_deviations
    assert measured[-1].deviations < 0.6 * measured[0].deviations
    held = material.held_out
    windows = held.frames[held.starts[:, None] + np.arange(14)]
    np.testing.assert_allclose(measured[0].mean_pose_deviations, np.abs(windows).mean(), rtol=1e-5)


@pytest.mark.slow
def test_training_that_diverges_is_refused():
    material = gathered(clips())
    material.train.frames[5] = np.inf
    with pytest.raises(UserError, match="training diverged in epoch 1"):
        fit(material, SMALL)


@pytest.mark.slow
def test_steps_are_pytorchs():
    torch = pytest.importorskip("torch")
    from tests.embedding.in_torch import InTorch, loaded

    material = gathered(clips(2), held_out=0.0)
    layout, optimizer = Layout(14, 9), _adam(5e-4)
    weights = initial(layout, 3)
    trainable, running = split(weights)
    state = (trainable, running, optimizer.init(trainable))
    frames = jnp.asarray(material.train.frames)
    oracle = loaded(InTorch(14, 9), weights)
    adam = torch.optim.Adam(oracle.parameters(), lr=5e-4, betas=(0.5, 0.999))
    starts = material.train.starts
    windows = torch.tensor(material.train.frames[starts[:, None] + np.arange(14)])
    for number in range(6):
        # One batch holds all windows, so that their order means nothing.
        key = jax.random.key(number)
        state, loss = epoch(layout, optimizer, len(starts), state, frames, jnp.asarray(starts), key)
        adam.zero_grad()
        _, rebuilt = oracle(windows)
        expected = (rebuilt - windows).abs().mean(dim=(1, 2))
        expected = expected + (rebuilt.diff(dim=1) - windows.diff(dim=1)).abs().mean(dim=(1, 2))
        expected.sum().backward()
        adam.step()
        np.testing.assert_allclose(loss, expected.mean().item(), rtol=1e-4)
