"""The dial of idling on bundled motion: silent frames quieten, spoken ones stay."""

import json
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.idle import quieten, quieten_recording, reset_idle, start_idle
from llavataros_jax.motion.npy import read_npy

CORPUS = Path(__file__).parents[2] / "corpus"
FRAMES, FPS, HANDS = 540, 30, [5, 8]


@cache
def bundled() -> tuple[PoseCodec, np.ndarray, np.ndarray]:
    """Returns a codec, poses with sway in silence, and which frames a word falls on."""
    motion = read_npy(CORPUS / "talk_1_ada.npz")
    codec = PoseCodec.measure([(motion, 0)], 1)
    words = json.loads((CORPUS / "talk_1_ada.json").read_text())["words"]
    times = (np.arange(FRAMES) + 0.5) / FPS
    spoken = np.any([(w["start"] <= times) & (times < w["end"]) for w in words], axis=0)
    return codec.fit([codec.encode(motion)]), codec.encode(motion)[:FRAMES], spoken


def rests(spoken: np.ndarray, seconds: float) -> np.ndarray:
    """Returns frames before which nobody spoke for so long."""
    since = np.zeros(len(spoken))
    for frame, speaks in enumerate(spoken):
        since[frame] = 0 if speaks else since[frame - 1] + 1 / FPS
    return since > seconds


def hand_speed(codec: PoseCodec, poses: np.ndarray) -> np.ndarray:
    places = codec.decode(poses, FPS).positions[:, HANDS]
    return np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=2).mean(1) * FPS


def test_hands_quieten_with_the_dial_in_silence_and_move_on_in_speech() -> None:
    codec, poses, spoken = bundled()
    silent = rests(spoken, 0.6)
    assert silent.sum() > 100
    swaying = poses + 0.02 * np.sin(np.arange(FRAMES) / 5)[:, None].astype(np.float32)
    for moved in (poses, swaying):
        speeds = [
            hand_speed(codec, quieten_recording(moved, spoken.astype(float), idle, fps=FPS))
            for idle in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        quiet = np.array([speed[silent].mean() for speed in speeds])
        assert (np.diff(quiet) < 0).all(), quiet
        busy = np.array([speed[spoken].mean() for speed in speeds])
        np.testing.assert_allclose(busy / busy[0], 1, atol=0.08)
        # All of that is the way to catch up, in the 0.3 s after a rest.
        caught_up = spoken & (np.convolve(rests(spoken, 0.19), np.ones(11))[:FRAMES] == 0)
        assert caught_up.sum() > 100
        for speed in speeds:
            np.testing.assert_allclose(speed[caught_up], speeds[0][caught_up], atol=1e-6)
    assert quiet[-1] < 0.2 * quiet[0]
    np.testing.assert_allclose(quiet[2] / quiet[0], 0.5, atol=0.08)


def test_none_leaves_every_bit_and_so_does_speech() -> None:
    _, poses, spoken = bundled()
    activity = spoken[None].astype(np.float32)
    same, _ = quieten(start_idle(1, 66), poses[None], activity, np.zeros(1), fps=FPS)
    np.testing.assert_array_equal(same[0], poses)
    always = quieten_recording(poses, np.ones(FRAMES), 1.0, fps=FPS)
    np.testing.assert_array_equal(always, poses)
    assert quieten_recording(poses, spoken.astype(float), 0.0, fps=FPS) is poses


def ramp(silent_from: int, silent_to: int, frames: int = 300) -> tuple[np.ndarray, np.ndarray]:
    activity = np.ones(frames)
    activity[silent_from:silent_to] = 0
    return activity, np.arange(frames)


def test_small_movements_settle_in_half_a_second_and_stay() -> None:
    activity, frames = ramp(60, 300)
    waving = 0.05 * np.sin(2 * np.pi * frames / FPS)[:, None].astype(np.float32)
    out = quieten_recording(waving, activity, 1.0, fps=FPS)[:, 0]
    np.testing.assert_array_equal(out[:66], waving[:66, 0])
    speed = np.abs(np.diff(out)) * FPS
    assert speed[60 + 18 :].max() < 2 * 2 * 0.05 / 4, "twice the hold's share of the way, at most"
    assert speed[60 + 12 :].max() < 0.35 * speed[:60].max()
    # No corpse: it goes on towards where the prediction went.
    gone = np.where(frames < 140, 0.0, 1.0)[:, None]
    drift = quieten_recording(gone, activity, 1.0, fps=FPS)[:, 0]
    np.testing.assert_allclose(drift[-1], 1 - np.exp(-160 / FPS / 4), atol=1e-3)


def test_hands_come_down_after_the_last_stroke_and_large_movements_end() -> None:
    activity, frames = ramp(60, 300)
    # Half a second after speech has stopped the hands come down, in another half.
    down = np.clip((frames - 75) / 15, 0, 1)
    down = (down**2 * (3 - 2 * down))[:, None].astype(np.float32)
    out = quieten_recording(down, activity, 1.0, fps=FPS)[:, 0]
    assert out[90] > 0.7
    assert out[105] > 0.85
    assert np.abs(np.diff(out)).max() < 1.1 * np.diff(down[:, 0]).max()
    waving = np.sin(2 * np.pi * frames / FPS)[:, None].astype(np.float32)
    out = quieten_recording(waving, activity, 1.0, fps=FPS)[:, 0]
    assert np.abs(np.diff(out[60 + 61 :])).max() < 0.1 * np.abs(np.diff(waving[:, 0])).max()


def test_catches_up_in_a_third_of_a_second_without_a_jump() -> None:
    activity, frames = ramp(30, 200)
    # The prediction walks away while the body holds.
    away = np.clip((frames - 170) / 10, 0, 1)[:, None].astype(np.float32)
    out = quieten_recording(away, activity, 1.0, fps=FPS)[:, 0]
    way = 1 - out[199]
    assert way > 0.4
    np.testing.assert_array_equal(out[210:], 1.0)
    speed = np.diff(out[198:212]) / way
    assert speed.min() > -1e-6
    assert speed.max() < 0.25, "minimum jerk over nine frames has 1.875 / 9 at its fastest"
    assert speed[1] < 0.05
    # Known ahead, the way is over when speech begins.
    early = quieten_recording(away, activity, 1.0, fps=FPS, ahead_frames=12)[:, 0]
    np.testing.assert_array_equal(early[198:], 1.0)
    np.testing.assert_allclose(early[:187], out[:187], atol=1e-6)


@pytest.mark.slow
def test_streams_are_cut_start_wait_and_turn_as_they_like() -> None:
    _, poses, spoken = bundled()
    poses, lanes = np.stack([poses[:270], poses[270:]]), 2
    activity = np.stack([spoken[:270], spoken[270:]]).astype(np.float32)
    idle = np.array([1.0, 0.6], np.float32)
    whole, _ = quieten(start_idle(lanes, 66), poses, activity, idle, fps=FPS)
    for lane in range(lanes):
        alone = quieten_recording(poses[lane], activity[lane], float(idle[lane]), fps=FPS)
        np.testing.assert_allclose(whole[lane], alone, atol=1e-5)
    live = jax.jit(lambda *given: quieten(*given[:4], fps=FPS, frame_mask=given[4]))
    rows = jnp.asarray(poses[:, :40])
    _, state = live(start_idle(lanes, 66), rows + 9, activity[:, :40], idle, np.ones((2, 40), bool))
    state = reset_idle(state, jnp.ones(lanes, bool))
    arrived, parts = np.zeros(lanes, int), [[], []]
    for call in range(14):
        brought = np.array([(40, 25)[call % 2], (13, 40, 0)[call % 3]])
        brought = np.minimum(brought, 270 - arrived)
        mask = np.arange(40) < brought[:, None]
        at = np.minimum(arrived[:, None] + np.arange(40), 269)
        part = np.where(mask[..., None], np.take_along_axis(poses, at[..., None], 1), np.nan)
        out, state = live(state, part, np.take_along_axis(activity, at, 1), idle, mask)
        for lane in range(lanes):
            parts[lane].append(np.asarray(out)[lane, : brought[lane]])
        arrived += brought
    for lane in range(lanes):
        np.testing.assert_allclose(
            np.concatenate(parts[lane]), whole[lane, : arrived[lane]], atol=1e-5
        )
    assert arrived[0] == 270


def test_a_dial_that_is_turned_does_not_jump() -> None:
    state = start_idle(1, 1)
    poses = np.where(np.arange(200) < 20, 0, 1)[None, :, None].astype(np.float32)
    poses[:, 100:] = 2
    silent = np.zeros((1, 120), np.float32)
    held, state = quieten(state, poses[:, :120], silent, np.ones(1), fps=FPS)
    let_go, _ = quieten(state, poses[:, 120:], silent[:, :80], np.zeros(1), fps=FPS)
    course = np.concatenate([held[0, -1:, 0], let_go[0, :, 0]])
    assert course[0] < 1.5
    assert np.diff(course).max() < (2 - course[0]) / 8
    np.testing.assert_array_equal(let_go[0, 10:, 0], 2)
