"""Beat consistency told again in plain loops after the description in spec/evaluation.md, C1."""

import math

import numpy as np


def motion_beats(places, mean_speed, *, threshold, trim, mask_offset, fps=30, order=7):
    """Finds one joint's minima of speed; the mask is looked up at index + mask_offset."""
    last = len(places) - 1
    speeds = []
    for frame in range(len(places)):
        before, after = max(frame - 1, 0), min(frame + 1, last)
        step = np.sqrt(((places[after] - places[before]) ** 2).sum())
        speeds.append(step / (after - before) * fps / mean_speed)
    kept = speeds[trim : len(speeds) - trim]
    beats = []
    for index, value in enumerate(kept):
        around = [
            kept[min(max(index + step, 0), len(kept) - 1)]
            for step in range(-order, order + 1)
            if step
        ]
        if all(value < other for other in around) and speeds[index + mask_offset] > threshold:
            beats.append(index / fps)
    return beats


def alignment(from_times, to_times, sigma=0.3):
    """Averages exp(-d^2 / 2 sigma^2) over times, d to the nearest of the others."""
    if not len(to_times) or not len(from_times):
        return 0.0
    total = 0.0
    for time in from_times:
        nearest = min(abs(time - other) for other in to_times)
        total += math.exp(-(nearest**2) / (2 * sigma**2))
    return total / len(from_times)
