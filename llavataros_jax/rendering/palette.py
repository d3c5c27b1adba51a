"""Colours of the films: a calm paper backdrop, slate bodies, teal left and copper right arms."""

import numpy as np

Colour = tuple[float, float, float]

BACKDROP_TOP: Colour = (250, 248, 244)
BACKDROP_BOTTOM: Colour = (222, 224, 226)
FLOOR_SHADOW: Colour = (128, 138, 156)
PANEL: Colour = (32, 38, 52)
PANEL_TEXT: Colour = (250, 248, 244)
ACCENT: Colour = (240, 170, 110)
INK: Colour = (70, 78, 96)

# One row of tints per person; keys are the tints that `body.py` gives to its parts.
PEOPLE: tuple[dict[str, Colour], ...] = (
    {
        "torso": (92, 106, 138),
        "legs": (74, 84, 110),
        "head": (214, 190, 170),
        "left": (70, 150, 152),
        "right": (216, 138, 96),
    },
    {
        "torso": (126, 100, 132),
        "legs": (92, 78, 102),
        "head": (196, 164, 140),
        "left": (104, 146, 108),
        "right": (212, 160, 84),
    },
)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blends two colours; `share` 0 is the first, 1 the second."""
    r, g, b = (a + (z - a) * share for a, z in zip(first, second, strict=True))
    return (r, g, b)


def gradient(top: Colour, bottom: Colour, height: int) -> np.ndarray:
    """Makes a column (height, 3) of colours from `top` to `bottom`."""
    share = np.linspace(0, 1, height)[:, None]
    return np.asarray(top) * (1 - share) + np.asarray(bottom) * share


def bgr(colour: Colour) -> Colour:
    """Turns a colour around to the order that OpenCV draws in."""
    return colour[2], colour[1], colour[0]
