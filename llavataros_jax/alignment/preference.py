"""How often motion prefers its own speech to another of the same speaker, and how sure that is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from llavataros_jax.alignment.settings import APART_FRAMES, SPAN_WINDOWS, STRIDE_FRAMES

# Similarities closer than rounding are equal, and then half of the preference is counted.
TIE = 1e-6
RESAMPLES = 2000
# Resampling fewer than this makes intervals that are far too narrow.
LEAST_CLIPS = 5
_APART_PLACES = APART_FRAMES // STRIDE_FRAMES


def preferences(
    motion: Float[np.ndarray, "W E"],
    own: Float[np.ndarray, "W E"],
    others: Sequence[Float[np.ndarray, "_ E"]] = (),
) -> tuple[float, int]:
    """Compares a clip's own speech at every place with all its rivals there.

    A place is 3 windows in a row, 4 s; the similarity of motion and speech at two places is the
    mean of their windows' products. Rivals are the places of the own speech at least 2 s away, and
    all places of the others.

    Args:
        motion: Embeddings of the clip's windows (`AlignmentModel.motion_embeddings`).
        own: Those of its own speech, as many; more than there are of motion are left out.
        others: Those of other speech of the same speaker, each of its own length.

    Returns:
        Comparisons that the own speech wins, ties counted as half, and how many there were; 0 of 0
        when the clip is shorter than a place or has no rival. Sums over clips are what the share
        (`preferred_share`) and its interval are made of.
    """
    windows = min(len(motion), len(own))
    motion, own = motion[:windows], own[:windows]
    places = windows - SPAN_WINDOWS + 1
    if places < 1:
        return 0.0, 0
    within = _similarities(motion, own)
    right = np.diagonal(within)[:, None]
    place = np.arange(places)
    is_rival = np.abs(place[:, None] - place) >= _APART_PLACES
    wins = _wins(right, within)[is_rival].sum()
    count = int(np.count_nonzero(is_rival))
    for other in others:
        if len(other) < SPAN_WINDOWS:
            continue
        won = _wins(right, _similarities(motion, other))
        wins, count = wins + won.sum(), count + won.size
    return float(wins), count


def _similarities(
    motion: Float[np.ndarray, "W E"], speech: Float[np.ndarray, "V E"]
) -> Float[np.ndarray, "P Q"]:
    """Returns the mean products of all places of motion with all places of speech."""
    products = np.asarray(motion, np.float64) @ np.asarray(speech, np.float64).T
    rows, columns = (size - SPAN_WINDOWS + 1 for size in products.shape)
    shifted = [products[k : k + rows, k : k + columns] for k in range(SPAN_WINDOWS)]
    return np.mean(shifted, axis=0)


def _wins(right: Float[np.ndarray, "P 1"], wrong: Float[np.ndarray, "P Q"]) -> np.ndarray:
    return np.where(np.abs(right - wrong) <= TIE, 0.5, right > wrong)


def preferred_share(
    wins: Float[np.ndarray, " clips"], comparisons: Float[np.ndarray, " clips"]
) -> float | None:
    """Returns the share of all comparisons that own speech wins; `None` without any."""
    total = np.sum(comparisons)
    return float(np.sum(wins) / total) if total else None


def share_interval(
    wins: Float[np.ndarray, " clips"],
    comparisons: Float[np.ndarray, " clips"],
    *,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Returns the 95 % percentile interval of the share by bootstrap over clips.

    Returns:
        Its ends; `None` when fewer than 5 clips have comparisons.
    """
    counted = np.asarray(comparisons) > 0
    if np.count_nonzero(counted) < LEAST_CLIPS:
        return None
    from scipy.stats import bootstrap  # a second to import

    found = bootstrap(
        (np.asarray(wins, np.float64)[counted], np.asarray(comparisons, np.float64)[counted]),
        lambda won, of, axis: won.sum(axis=axis) / of.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
