"""Draws bodies with OpenCV: shaded hulls in painter's order, a floor shadow, trails of the hands.

Every hull is a convex polygon around projected spheres, filled with anti-aliased edges at a
sixteenth of a pixel. Light comes from the upper left: each hull is painted again in brighter tints,
smaller and shifted towards the light, which reads as a round limb and costs a few microseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from llavataros_jax.rendering import palette
from llavataros_jax.rendering.body import Body
from llavataros_jax.rendering.camera import Camera

FRACTION_BITS = 4
CORNERS = 20  # of a circle at 400 rows
# How each level of shading is made from a hull: radius as a share, shift towards the light in
# radii, and how much brighter (or darker, below zero) the tint becomes.
SHADES = (
    (1.00, 0.00, -0.22),
    (0.92, 0.05, -0.13),
    (0.82, 0.11, -0.05),
    (0.70, 0.18, 0.02),
    (0.56, 0.25, 0.07),
    (0.40, 0.32, 0.12),
    (0.22, 0.40, 0.17),
)
# Levels (0 is the outline) for hulls whose radius is below so many pixels at 400 rows.
LEVELS_BELOW = ((7, (0, 1, 4, 6)), (13, (0, 1, 3, 4, 6, 7)), (np.inf, range(8)))
OUTLINE_SHADE = 0.42
DARK, BRIGHT, OUTLINE = (30.0, 34.0, 60.0), (255.0, 252.0, 244.0), (24.0, 28.0, 44.0)
LIGHT = np.array([-0.6, -0.8])
SHADOW_LEAN = np.array([0.22, -1.0, -0.30])
SHADOW_SHRINK = 4
SHADOW_STRENGTH = 0.55
TRAIL_SECONDS = 0.4
TRAIL_PIECES = 10
FOG_PER_METRE = 0.55
FIXED = 1 << FRACTION_BITS


# How a shadow of each strength scales the three channels.
SHADOW_TABLE = np.round(
    255
    - (np.arange(256) * SHADOW_STRENGTH)[:, None, None]
    * (1 - np.asarray(palette.bgr(palette.FLOOR_SHADOW)) / 255)
).astype(np.uint8)


@dataclass(frozen=True)
class Figure:
    """One person of the film.

    Attributes:
        body: The spheres and hulls.
        centres: Where the spheres are, metres, for the frames to draw.
        tints: Row of the palette.
    """

    body: Body
    centres: Float[np.ndarray, "T spheres 3"]
    tints: dict[str, palette.Colour]


@dataclass
class _Layout:
    """A block of frames of one person in pixels, before anything is drawn."""

    figure: Figure
    pixels: np.ndarray
    radii: np.ndarray
    depth: np.ndarray
    polygons: np.ndarray
    colours: np.ndarray
    order: np.ndarray
    trail_colours: dict[str, list[palette.Colour]]
    shadow: np.ndarray | None


class Painter:
    """Draws blocks of frames over a backdrop.

    Attributes:
        camera: Where the film is seen from.
        backdrop: What is behind the figures.
        floor: Height that shadows fall on, metres, or None without a shadow.
        fps: Frames per second, for the length of trails; 0 draws none.
    """

    def __init__(
        self,
        camera: Camera,
        backdrop: UInt8[np.ndarray, "height width 3"],
        *,
        floor: float | None,
        fps: float,
    ):
        self.camera = camera
        self.backdrop = backdrop
        self.floor = floor
        self.trail_frames = round(TRAIL_SECONDS * fps)
        self.pixel = backdrop.shape[0] / 400
        corners = round(float(np.clip(CORNERS * np.sqrt(self.pixel), 12, 64)))
        angle = np.arange(corners) * (2 * np.pi / corners)
        self.circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        blue, green, red = backdrop.mean(axis=(0, 1)).tolist()
        self.fog: palette.Colour = (red, green, blue)

    def draw(
        self, figures: list[Figure], *, history: int = 0
    ) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        """Yields a BGR picture for every frame after the first `history` ones.

        The picture is drawn over when the next one is asked for.
        """
        layouts = [self._lay_out(figure) for figure in figures]
        layouts.sort(key=lambda layout: -float(layout.depth.mean()))
        picture = np.empty_like(self.backdrop)
        for frame in range(history, len(figures[0].centres)):
            np.copyto(picture, self.backdrop)
            for layout in layouts:
                self._draw_shadow(picture, layout, frame)
            for layout in layouts:
                self._draw_trails(picture, layout, frame)
                self._draw_body(picture, layout, frame)
            yield picture

    def _lay_out(self, figure: Figure) -> _Layout:
        pixels, depth = self.camera.project(figure.centres)
        radii = np.asarray(figure.body.radii) * self.camera.focal_pixels / depth
        parts = figure.body.parts
        depths = [
            depth[:, sorted({s for hull in part.hulls for s in hull})].mean(axis=1)
            for part in parts
        ]
        outline = np.minimum(0.3 * self.pixel + 0.09 * radii, 1.1 * self.pixel)
        levels = [self._corners(pixels, radii + outline)]
        for share, shift, _ in SHADES:
            towards_light = (shift * radii)[..., None] * LIGHT
            levels.append(self._corners(pixels + towards_light, share * radii))
        depths = np.stack(depths, axis=1)
        colours = self._colours(figure, depths - depth.mean(axis=1, keepdims=True))
        shadow = None
        if self.floor is not None:
            height = figure.centres[..., 1:2] - self.floor
            shadow_pixels, shadow_depth = self.camera.project(figure.centres + height * SHADOW_LEAN)
            # A ball lying on the floor is seen flat, at the slope under which the floor is seen.
            shadow_radii = np.asarray(figure.body.radii) * self.camera.focal_pixels / shadow_depth
            flat = self.circle * [1.0, 0.35]
            corners = shadow_pixels[:, :, None] + shadow_radii[..., None, None] * flat
            shadow = np.round(corners * (FIXED / SHADOW_SHRINK)).astype(np.int32)
        nearer = np.array([part.nearer_metres for part in parts])
        order = np.argsort(nearer - depths, axis=1, kind="stable")
        trails = {
            side: [
                palette.bgr(palette.mix(figure.tints[side], self.fog, 0.66 + 0.34 * age))
                for age in np.linspace(0, 1, TRAIL_PIECES, endpoint=False).tolist()
            ]
            for side in figure.body.hands
        }
        polygons = np.stack(levels, axis=1)
        return _Layout(figure, pixels, radii, depth, polygons, colours, order, trails, shadow)

    def _colours(self, figure: Figure, farther: np.ndarray) -> np.ndarray:
        """Tints (frames, parts, outline and shades, BGR): what is farther away fades a little."""
        base = np.array([figure.tints[part.tint] for part in figure.body.parts])
        fog = np.clip(FOG_PER_METRE * farther, 0, 0.4)[..., None]
        tint = base + (np.asarray(self.fog) - base) * fog
        targets = [OUTLINE] + [BRIGHT if brighter > 0 else DARK for *_, brighter in SHADES]
        shares = [OUTLINE_SHADE] + [abs(brighter) for *_, brighter in SHADES]
        target, share = np.array(targets), np.array(shares)[:, None]
        return (tint[:, :, None] + (target - tint[:, :, None]) * share)[..., ::-1]

    def _corners(self, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """Surrounds circles by corners, in fixed point with OpenCV's half-pixel origin."""
        corners = centres[:, :, None] + radii[..., None, None] * self.circle
        return np.round((corners - 0.5) * FIXED).astype(np.int32)

    def _draw_body(self, picture: np.ndarray, layout: _Layout, frame: int) -> None:
        parts = layout.figure.body.parts
        corners, radii = layout.polygons[frame], layout.radii[frame] / self.pixel
        colours = layout.colours[frame].tolist()
        for number in layout.order[frame].tolist():
            hulls = [corners[:, hull] for hull in parts[number].hulls]
            hulls = [_convex(points.reshape(len(points), -1, 2)) for points in hulls]
            largest = radii[list(parts[number].hulls[0])].max()
            levels = next(levels for below, levels in LEVELS_BELOW if largest < below)
            for level in levels:
                colour = colours[number][level]
                for points in hulls:
                    cv2.fillConvexPoly(picture, points[level], colour, cv2.LINE_AA, FRACTION_BITS)

    def _draw_trails(self, picture: np.ndarray, layout: _Layout, frame: int) -> None:
        start = max(0, frame - self.trail_frames)
        times = np.linspace(frame, start, TRAIL_PIECES + 1).round().astype(int)
        for side, sphere in layout.figure.body.hands.items():
            points = np.round((layout.pixels[times, sphere] - 0.5) * FIXED).astype(int).tolist()
            for piece in range(TRAIL_PIECES):
                first, second = points[piece], points[piece + 1]
                if first != second:
                    age = piece / TRAIL_PIECES
                    width = max(1, round(self.pixel * 6 * (1 - age)))
                    colour = layout.trail_colours[side][piece]
                    cv2.line(picture, first, second, colour, width, cv2.LINE_AA, FRACTION_BITS)

    def _draw_shadow(self, picture: np.ndarray, layout: _Layout, frame: int) -> None:
        if layout.shadow is None:
            return
        height, width = picture.shape[:2]
        mask = np.zeros((height // SHADOW_SHRINK, width // SHADOW_SHRINK), np.uint8)
        points = layout.shadow[frame]
        for part in layout.figure.body.parts:
            for hull in part.hulls:
                corners = points[list(hull)].reshape(-1, 2)
                cv2.fillConvexPoly(mask, cv2.convexHull(corners), 255, shift=FRACTION_BITS)
        x, y, wide, tall = cv2.boundingRect(mask)
        if not wide:
            return
        blur = max(3, round(self.pixel * 9) | 1)
        left, right = max(0, x - blur), min(mask.shape[1], x + wide + blur)
        top, bottom = max(0, y - blur), min(mask.shape[0], y + tall + blur)
        soft, kernel = mask[top:bottom, left:right], (blur, blur // 2 | 1)
        soft = cv2.blur(cv2.blur(soft, kernel), kernel)
        rows = slice(top * SHADOW_SHRINK, bottom * SHADOW_SHRINK)
        area = picture[rows, left * SHADOW_SHRINK : right * SHADOW_SHRINK]
        soft = cv2.resize(soft, area.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        scale = cv2.LUT(cv2.merge([soft, soft, soft]), SHADOW_TABLE)
        area[:] = cv2.multiply(area, scale, scale=1 / 255)


def _convex(levels: np.ndarray) -> np.ndarray:
    """Keeps the corners (levels, kept, 2) that lie on the hull of the first level."""
    return levels.take(cv2.convexHull(levels[0], returnPoints=False)[:, 0], axis=1)
