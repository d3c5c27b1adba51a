"""The lower third of a film: the word being spoken, its neighbours, the sound and the time.

Pillow draws text once for each word, with the scalable face that it brings; words in letters which
that face lacks are drawn with the DejaVu face that comes with Matplotlib.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from llavataros_jax.data.active_words import active_words
from llavataros_jax.rendering import palette

TimedWord = tuple[str, float, float]
WINDOW_SECONDS = 5.0
HOLD_SECONDS = 0.3
NEIGHBOUR_SECONDS = 2.5
PROGRESS_ROWS = 4
SLACK = 1e-6  # of a frame: a film may begin anywhere, and its words' times move with it
WAVE_SHADES = 17


@functools.lru_cache(maxsize=256)
def text_mask(text: str, size_pixels: int) -> UInt8[np.ndarray, "height width"]:
    """Draws text as coverage, 0 to 255, in a box whose height is the same for every text."""
    from PIL import Image, ImageDraw

    font = _font(size_pixels, text.isascii())
    ascent, descent = font.getmetrics()
    width = int(np.ceil(font.getlength(text))) + 2
    image = Image.new("L", (max(width, 1), ascent + descent))
    ImageDraw.Draw(image).text((1, 0), text, fill=255, font=font)
    return np.asarray(image)


@functools.cache
def _font(size_pixels: int, plain: bool) -> Any:
    from PIL import ImageFont

    if plain:
        return ImageFont.load_default(size_pixels)
    import matplotlib

    face = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(face), round(size_pixels * 0.92))


def put_text(
    picture: UInt8[np.ndarray, "height width 3"],
    text: str,
    *,
    at: tuple[float, float],
    size_pixels: int,
    colour: palette.Colour,
    anchor: float = 0.0,
    opacity: float = 1.0,
) -> tuple[int, int]:
    """Blends text into a picture, cut at its borders, and gives its left and right end.

    `at` is x and the middle of the line; `anchor` 0 puts the left end at x, 0.5 the middle, 1 the
    right end.
    """
    mask = text_mask(text, size_pixels)
    left, top = round(at[0] - anchor * mask.shape[1]), round(at[1] - mask.shape[0] / 2)
    x, y = max(left, 0), max(top, 0)
    area = picture[y : max(top + mask.shape[0], 0), x : max(left + mask.shape[1], 0)]
    if area.size:
        cover = mask[y - top :, x - left :][: area.shape[0], : area.shape[1], None]
        share = cover.astype(np.float32) * (opacity / 255)
        area[:] = np.round(area + (np.asarray(palette.bgr(colour)) - area) * share)
    return left, left + mask.shape[1]


class Panel:
    """The strip under the figure: caption, scrolling sound with a playhead, and progress.

    Attributes:
        words: Text, start and end of each word, seconds, in the order of their starts.
        sound: Peak of the sound in steps, 0 to 1; empty without sound.
        sound_rate: Steps per second.
    """

    def __init__(
        self,
        words: Sequence[TimedWord],
        sound: Float[np.ndarray, " steps"],
        *,
        sound_rate: float,
        width: int,
        height: int,
        fps: float,
        num_frames: int,
    ):
        inside = [w for w in words if w[0].strip() and w[2] > 0 and w[1] < num_frames / fps]
        self.words = sorted(inside, key=lambda word: word[1])
        self.starts = np.array([word[1] for word in self.words])
        self.ends = np.array([word[2] for word in self.words])
        self.index = active_words(
            self.starts.tolist(), self.ends.tolist(), num_frames, fps, slack_seconds=SLACK / fps
        )
        self.fps, self.num_frames = fps, num_frames
        self.width, self.height = width, height
        self.has_sound = bool(len(sound))
        self.state: tuple | None = None
        self.canvas = np.empty((height, width, 3), np.uint8)
        self.canvas[:] = np.round(palette.bgr(palette.PANEL))
        share = (0.3 if self.words else 1.0) if self.has_sound else 0.0
        self.wave_height = round((height - PROGRESS_ROWS) * share)
        self.caption_height = height - PROGRESS_ROWS - self.wave_height
        self._draw_wave(sound, sound_rate)

    def _draw_wave(self, sound: np.ndarray, sound_rate: float) -> None:
        """Draws how much of every pixel of the whole sound is covered, to scroll over it."""
        if not self.has_sound:
            return
        self.pixels_per_second = self.width / WINDOW_SECONDS
        columns = np.arange(round(len(sound) / sound_rate * self.pixels_per_second))
        step = np.minimum(
            (columns * sound_rate / self.pixels_per_second).astype(int), len(sound) - 1
        )
        half = self.wave_height / 2 - 2
        reach = np.pad(np.sqrt(sound[step]) * np.float32(half), self.width)
        rows = np.arange(self.wave_height, dtype=np.float32)[:, None] - (self.wave_height - 1) / 2
        cover = np.clip(reach + 1 - np.abs(rows), 0, 1)
        cover *= WAVE_SHADES - 1
        self.wave = cover.astype(np.uint8)
        share = np.linspace(0, 1, WAVE_SHADES).tolist()
        coming = palette.mix(palette.PANEL, palette.PANEL_TEXT, 0.34)
        self.wave_colours = [
            np.round([palette.bgr(palette.mix(palette.PANEL, colour, s)) for s in share]).astype(
                np.uint8
            )
            for colour in (palette.ACCENT, coming)
        ]

    def draw(self, picture: UInt8[np.ndarray, "height width 3"], frame: int) -> None:
        """Draws the panel of one frame over the lowest rows of a picture."""
        now = frame / self.fps
        self._draw_caption(frame, now)
        area = picture[-self.height :]
        area[:] = self.canvas
        if self.has_sound:
            wave = area[self.caption_height : self.caption_height + self.wave_height]
            middle = self.width // 2
            start = round(now * self.pixels_per_second) + self.width - middle
            spoken, coming = self.wave_colours
            seen = _columns(self.wave, start, self.width)
            wave[:, :middle] = spoken[seen[:, :middle]]
            wave[:, middle:] = coming[seen[:, middle:]]
            wave[:, middle - 1 : middle + 1] = palette.bgr(palette.PANEL_TEXT)
        done = round(self.width * (frame + 1) / self.num_frames)
        area[1 - PROGRESS_ROWS :, :done] = palette.bgr(palette.ACCENT)

    def _draw_caption(self, frame: int, now: float) -> None:
        if not self.words:
            return
        row = int(self.index[frame])
        before = int(np.searchsorted(self.starts, now + SLACK, side="right")) - 1
        spoken = row >= 0
        if not spoken and before >= 0 and now - self.ends[before] < HOLD_SECONDS:
            row = before
        previous, following = (row - 1, row + 1) if row >= 0 else (before, before + 1)
        if previous >= 0 and now - self.ends[previous] > NEIGHBOUR_SECONDS:
            previous = -1
        if following >= len(self.words) or self.starts[following] - now > NEIGHBOUR_SECONDS:
            following = -1
        state = (row, spoken, previous, following)
        if state == self.state:
            return
        self.state = state
        canvas = self.canvas[: self.caption_height]
        canvas[:] = np.round(palette.bgr(palette.PANEL))
        middle, y = self.width / 2, self.caption_height / 2
        large, small = round(self.caption_height * 0.56), round(self.caption_height * 0.36)
        left = right = middle
        if row >= 0:
            text = self.words[row][0]
            wide = text_mask(text, large).shape[1]
            large = max(8, int(large * min(1.0, 0.9 * self.width / wide)))
            left, right = put_text(
                canvas,
                text,
                at=(middle, y),
                size_pixels=large,
                colour=palette.PANEL_TEXT,
                anchor=0.5,
                opacity=1.0 if spoken else 0.5,
            )
        gap = self.caption_height * 0.5
        lowered = y + (large - small) * 0.16
        for neighbour, x, anchor in ((previous, left - gap, 1.0), (following, right + gap, 0.0)):
            if neighbour >= 0:
                put_text(
                    canvas,
                    self.words[neighbour][0],
                    at=(x, lowered),
                    size_pixels=small,
                    colour=palette.PANEL_TEXT,
                    anchor=anchor,
                    opacity=0.34,
                )


def _columns(wave: np.ndarray, start: int, count: int) -> np.ndarray:
    start = min(max(start, 0), wave.shape[1] - count)
    return wave[:, start : start + count]


def panel_backdrop(width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """Makes the paper behind the figures, lighter above and in the middle."""
    column = palette.gradient(palette.BACKDROP_TOP, palette.BACKDROP_BOTTOM, height)
    x, y = np.linspace(-1, 1, width)[None], np.linspace(-0.9, 1.1, height)[:, None]
    vignette = 1 - 0.085 * np.clip(x**2 + 0.8 * y**2 - 0.25, 0, None)
    picture = column[:, None] * vignette[..., None]
    # Dither by a fixed pattern, or the gradient shows bands.
    pattern = cv2.resize(
        np.array([[0.125, 0.625], [0.875, 0.375]]), (2, 2), interpolation=cv2.INTER_NEAREST
    )
    tiles = np.tile(pattern, (height // 2 + 1, width // 2 + 1))[:height, :width]
    return np.floor(np.clip(picture, 0, 254)[..., ::-1] + tiles[..., None]).astype(np.uint8)
