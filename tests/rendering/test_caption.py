"""Captions: the right word on the right frame, in any letters."""

import numpy as np
import pytest

pytest.importorskip("cv2")

from llavataros_jax.rendering import palette
from llavataros_jax.rendering.caption import Panel, put_text, text_mask

SILENT = np.zeros(0, np.float32)


def _panel(words, sound=SILENT, num_frames=60) -> Panel:
    return Panel(
        words, sound, sound_rate=100.0, width=320, height=80, fps=30.0, num_frames=num_frames
    )


def _draw(panel: Panel, frame: int) -> np.ndarray:
    picture = np.zeros((80, 320, 3), np.uint8)
    panel.draw(picture, frame)
    return picture


def test_words_outside_the_film_are_not_seen():
    words = [("before", -3.0, -1.0), ("after", 5.0, 6.0)]
    panel = _panel(words)
    empty = _draw(_panel([("far", 900.0, 901.0)]), 3)
    np.testing.assert_array_equal(_draw(panel, 3)[:-4], empty[:-4])


def test_caption_is_bright_only_while_the_word_is_spoken():
    panel = _panel([("hello", 0.5, 0.8)])
    brightness = [int(_draw(panel, frame)[:70].max()) for frame in range(60)]
    spoken = np.array(brightness) > 220
    np.testing.assert_array_equal(np.flatnonzero(spoken), np.arange(15, 24))
    assert 60 < brightness[14] < 160  # the next word, faint
    assert max(brightness[40:]) < 160


def test_neighbours_stand_left_and_right():
    panel = _panel([("one", 0.0, 0.3), ("two", 0.3, 0.6), ("three", 0.6, 0.9)])
    lit = (_draw(panel, 10)[:70].max(axis=-1) > 70).any(axis=0)
    runs = np.flatnonzero(np.diff(np.concatenate([[0], lit, [0]])))
    assert runs[0] < 110
    assert runs[-1] > 210
    assert lit[140:180].any()


@pytest.mark.parametrize("text", ["naïve", "привет", "γειά", "don't"])
def test_letters_of_other_scripts_are_not_boxes(text):
    missing = text_mask("\u0378" * len(text), 40)
    mask = text_mask(text, 40)
    assert mask.max() > 200
    assert mask.shape != missing.shape or np.abs(mask.astype(int) - missing).max() > 100


def test_long_word_is_shrunk_to_the_picture():
    panel = _panel([("antidisestablishmentarianism" * 2, 0.0, 1.0)])
    lit = (_draw(panel, 5)[:70].max(axis=-1) > 100).any(axis=0)
    assert not lit[:5].any()
    assert not lit[-5:].any()
    assert lit.any()


def test_text_is_cut_at_the_border():
    picture = np.zeros((20, 30, 3), np.uint8)
    for at in ((-10, 10), (25, 10), (500, 10), (-500, 10), (5, -50), (5, 19)):
        put_text(picture, "wide text", at=at, size_pixels=14, colour=(255, 255, 255))
    assert picture[:, 0].max() > 0
    assert picture[:, -1].max() > 0


def test_playhead_divides_past_and_coming_sound():
    sound = np.zeros(300, np.float32)
    sound[100:105] = 1.0
    panel = _panel((), sound, num_frames=90)
    accent = np.array(palette.bgr(palette.ACCENT))

    def peak(frame: int) -> tuple[float, bool]:
        picture = _draw(panel, frame)[:-4].astype(int)
        picture[:, 158:162] = 0
        rows = picture[4:16].max(axis=(0, 2)) > 60
        column = float(np.flatnonzero(rows).mean())
        warm = (np.abs(picture - accent).max(axis=-1) < 12).any()
        return column, bool(warm and rows[:158].any())

    # 320 pixels show 5 seconds: the middle of the sound, 1.025 s, is 64 pixels a second away.
    for frame in (0, 15, 60, 75):
        column, past = peak(frame)
        assert column == pytest.approx(160 + (1.025 - frame / 30) * 64, abs=1.5)
        assert past == (frame > 31)
