"""One closed surface of a body, and the colours that there are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.rig.body_shapes import Shape, smooth_union

# As screens show them (sRGB), and how rough.
COLOURS: dict[str, tuple[tuple[float, float, float], float]] = {
    "clothes": ((0.42, 0.51, 0.60), 0.9),
    "trousers": ((0.25, 0.28, 0.33), 0.9),
    "skin": ((0.87, 0.76, 0.68), 0.7),
    "hair": ((0.22, 0.20, 0.20), 0.8),
    "eyes": ((0.13, 0.12, 0.13), 0.3),
    "shoes": ((0.17, 0.18, 0.20), 0.7),
}


@dataclass(frozen=True, eq=False)
class Part:
    """A closed surface.

    Attributes:
        colour: Its name in `COLOURS`.
        shapes: What it is made of.
        blend_metres: How wide these flow into each other.
        least: A corner of a box around it, in metres.
        most: The opposite one.
        step_metres: How fine it is drawn.
        without: What is taken away from it.
    """

    colour: str
    shapes: tuple[Shape, ...]
    blend_metres: float
    least: Float[np.ndarray, " 3"]
    most: Float[np.ndarray, " 3"]
    step_metres: float
    without: Callable[[np.ndarray], np.ndarray] | None = None

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Returns the distance of points from the surface, negative inside."""
        limbs: dict[str, np.ndarray] = {}
        for shape in self.shapes:
            away = shape.distance(points)
            limbs[shape.limb] = np.minimum(away, limbs.get(shape.limb, away))
        whole = smooth_union(list(limbs.values()), self.blend_metres)
        if self.without is None:
            return whole
        return -smooth_union([-whole, self.without(points)], self.blend_metres)


def part(
    colour: str,
    shapes: list[Shape],
    blend_metres: float,
    points: Float[np.ndarray, "N 3"],
    pad_metres: float,
    step_metres: float,
    without: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Part:
    """Returns a part whose box holds some points and a pad around them."""
    least, most = points.min(axis=0) - pad_metres, points.max(axis=0) + pad_metres
    return Part(colour, tuple(shapes), blend_metres, least, most, step_metres, without)


def in_light(colour: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """Returns what a colour of a screen (sRGB, IEC 61966-2-1) is in light, as files want it."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
