"""Shapes of a film frame: drawn by OpenCV, by Pillow or by Matplotlib."""

import numpy as np

from llavataros.benchmark.turns import compare
from llavataros_jax.packages import require_packages


def run(turns: int) -> None:
    """Draws 24 anti-aliased capsules on 640 x 480 pixels, about what a frame of a film has."""
    require_packages("drawing shapes", "cv2", "matplotlib", "PIL", extra="viz")
    import cv2
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon
    from PIL import Image, ImageDraw

    random = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    hulls = [
        random.uniform((80, 80), (560, 400)) + circle * random.uniform(8, 40, 2) for _ in range(24)
    ]
    canvas = np.full((480, 640, 3), 255, np.uint8)

    def by_opencv() -> np.ndarray:
        picture = canvas.copy()
        for hull in hulls:
            points = np.round(hull * 16).astype(np.int32)
            cv2.fillConvexPoly(picture, points, (200, 120, 90), cv2.LINE_AA, 4)
        return picture

    def by_pillow() -> np.ndarray:
        # Pillow draws polygons without anti-aliasing, so it must draw larger and shrink.
        picture = Image.new("RGB", (1280, 960), "white")
        draw = ImageDraw.Draw(picture)
        for hull in hulls:
            draw.polygon([tuple(point) for point in 2 * hull], fill=(90, 120, 200))
        return np.asarray(picture.resize((640, 480), Image.Resampling.BOX))

    figure = Figure(figsize=(6.4, 4.8), dpi=100)
    agg = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 640), ylim=(480, 0))
    axes.axis("off")
    patches = [Polygon(hull, facecolor="#5a78c8") for hull in hulls]
    for patch in patches:
        axes.add_patch(patch)

    def by_matplotlib() -> np.ndarray:
        for patch, hull in zip(patches, hulls, strict=True):
            patch.set_xy(hull)
        agg.draw()
        return np.asarray(agg.buffer_rgba())

    ways = {"OpenCV (ours)": by_opencv, "Pillow": by_pillow, "Matplotlib": by_matplotlib}
    compare("drawing the shapes of a film frame", ways, turns)
