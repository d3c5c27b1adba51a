"""Whether the alignment score can be trusted: its proof on motion that people judged.

GENEA 2020 has recorded motion (N), recorded motion of another moment (M) and submitted systems
(BA, which jitters, and SD) for the same speech, and what people thought of each. A score that is
worth showing puts N above M, leaves M at chance, and does not put BA above N.
"""

import csv
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap, kendalltau

from llavataros.benchmark.alignment_sources import Sources, with_source
from llavataros_jax.alignment.accuracy import Accuracy, Embed, accuracy, judge
from llavataros_jax.alignment.body import FRAMES_PER_SECOND
from llavataros_jax.alignment.correlation import fit_floor
from llavataros_jax.alignment.fitting import trained
from llavataros_jax.alignment.material import AlignmentClip, pack, part, parts
from llavataros_jax.alignment.model import AlignmentModel
from llavataros_jax.alignment.preference import preferred_share, share_interval
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.errors import UserError

CONDITIONS = ("N", "M", "SD", "BA")
# Held out together, so that no speech that was learnt from is a rival.
_FOLD_CLIPS = 3
_FEW_STEPS = 200
_SIXTHS = 6
_MEMBERS = 5
_SHARES = (1 / 3, 2 / 3)
_SETTINGS = Settings(members=1)
_LINEAR = Settings(members=1, steps=_FEW_STEPS, layers=0, channels=2)

Clips = Sequence[AlignmentClip]
Fit = Callable[[Clips], Embed]
Judged = dict[str, tuple[np.ndarray, np.ndarray]]


def run(folder: Path) -> None:
    """Learns and judges, and prints the tables.

    Args:
        folder: The GENEA 2020 material: `coords/Cond_*__motion_coords.npz`, `wav` and the scores of
            people. `avataros` and `beat2` beside it are learnt from where they are there.
    """
    with tempfile.TemporaryDirectory() as scratch:
        sources = Sources(folder, Path(scratch))
        people = {name: _people(folder, name, sources.names) for name in CONDITIONS}
        _transfer(sources)
        _within(sources)
        recipes: dict[str, tuple[Fit, Clips]] = {
            "canonical correlation": (lambda clips: fit_floor(clips).embed, []),
            "one linear layer": (lambda clips: _fit(clips, _LINEAR), []),
            "encoders, N alone": (lambda clips: _fit(clips, _few()), []),
            "five encoders, N alone": (lambda clips: _fit(clips, _few(_MEMBERS)), []),
            "encoders, N and generated": (_fit, sources.generated),
            "encoders, N and all": (_fit, [*sources.generated, *sources.other_people]),
        }
        print(
            "\nGENEA 2020, four folds by clip; 0.5 is chance; Kendall with people's appropriateness"
        )
        print(
            f"{'learnt by':27}"
            + "".join(f"{name:>21}" for name in CONDITIONS)
            + f"{'N - M':>23}    Kendall"
        )
        for name, (fit, others) in recipes.items():
            judged = _folds(sources.conditions, fit, others)
            _tell(name, judged, people)
        print("\nLearning curve of the encoders on N alone: seconds learnt from, held-out N")
        for share in (*_SHARES, 1.0):
            judged = _folds(sources.conditions, lambda clips: _fit(clips, _few()), [], share)
            natural = sources.conditions["N"]
            learnt = share * (1 - _FOLD_CLIPS / len(natural))
            seconds = learnt * sum(clip.num_frames for clip in natural) / FRAMES_PER_SECOND
            print(f"{seconds:8.0f} s {_said(_accuracy(judged['N']))}")


def _few(members: int = 1) -> Settings:
    return Settings(members=members, steps=_FEW_STEPS)


def _fit(clips: Clips, settings: Settings = _SETTINGS) -> Embed:
    return AlignmentModel(settings, trained(pack(clips, settings), settings)).embed


def _transfer(sources: Sources) -> None:
    """Prints what models of other people and of rules are worth on natural motion."""
    natural = {**sources.others, "GENEA 2020 N": sources.conditions["N"]}
    print("Learnt from one, judged on another: share of motion that prefers its own speech")
    print(f"{'':27}" + "".join(f"{name:>21}" for name in natural))
    for name in (None, *sources.others):
        learnt = [*sources.generated, *(with_source(sources.others[name], 9) if name else [])]
        embed = _fit(learnt)
        row = [
            "" if judged == name else _said(accuracy(embed, clips))
            for judged, clips in natural.items()
        ]
        title = f"generated and {name}" if name else "generated"
        print(f"{title:27}" + "".join(f"{cell:>21}" for cell in row))
    floor = fit_floor(sources.generated).embed
    row = [_said(accuracy(floor, clips)) for clips in natural.values()]
    print(f"{'generated, correlation':27}" + "".join(f"{cell:>21}" for cell in row))


def _within(sources: Sources) -> None:
    """Prints what models that learnt from five sixths of a recording are worth on the other."""
    print("\nLearnt from five sixths of a recording, judged on the other, six times")
    print(f"{'':27}" + "".join(f"{name:>21}" for name in sources.others))
    recipes: dict[str, tuple[Fit, Clips]] = {
        "canonical correlation": (lambda clips: fit_floor(clips).embed, []),
        "encoders": (lambda clips: _fit(clips, _few()), []),
        "encoders, and generated": (_fit, sources.generated),
    }
    for name, (fit, others) in recipes.items():
        row = [_said(_accuracy(_sixths(clips, fit, others))) for clips in sources.others.values()]
        print(f"{name:27}" + "".join(f"{cell:>21}" for cell in row))


def _sixths(clips: Clips, fit: Fit, others: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Judges every sixth of recordings by a model that learnt from the other five."""
    sixths = []
    for clip in clips:
        cuts = [round(clip.num_frames * number / _SIXTHS) for number in range(_SIXTHS + 1)]
        sixths.append([part(clip, first, last) for first, last in pairwise(cuts)])
    found = []
    for held in range(_SIXTHS):
        learnt = [piece for row in sixths for at, piece in enumerate(row) if at != held]
        pieces = [piece for row in sixths for piece in parts(row[held])]
        found.append(np.stack(judge(fit([*learnt, *others]), pieces)))
    wins, counts = np.concatenate(found, axis=1)
    return wins, counts


def _folds(
    conditions: dict[str, list[AlignmentClip]], fit: Fit, others: Clips, share: float = 1.0
) -> Judged:
    """Judges every clip by a model that learnt from natural motion of other folds."""
    natural = conditions["N"]
    found: dict[str, list[np.ndarray]] = {name: [] for name in conditions}
    for first in range(0, len(natural), _FOLD_CLIPS):
        held = range(first, min(first + _FOLD_CLIPS, len(natural)))
        learnt = [clip for number, clip in enumerate(natural) if number not in held]
        embed = fit([*learnt[: round(share * len(learnt))], *others])
        for name, clips in conditions.items():
            found[name].append(np.stack(judge(embed, [clips[number] for number in held])))
    joined = {name: np.concatenate(rows, axis=1) for name, rows in found.items()}
    return {name: (wins, counts) for name, (wins, counts) in joined.items()}


def _tell(name: str, judged: Judged, people: dict[str, np.ndarray]) -> None:
    cells = "".join(f"{_said(_accuracy(judged[key])):>21}" for key in CONDITIONS)
    cells += f"{_difference(judged['N'], judged['M']):>23}"
    shares = {key: wins / counts for key, (wins, counts) in judged.items()}
    means = [preferred_share(*judged[key]) for key in CONDITIONS]
    over, _ = kendalltau(means, [people[key].mean() for key in CONDITIONS])
    each, chance = kendalltau(
        np.concatenate([shares[key] for key in CONDITIONS]),
        np.concatenate([people[key] for key in CONDITIONS]),
    )
    singly = f"{each:+.2f} (p {chance:.2f}) of {sum(map(len, people.values()))} clips"
    print(f"{name:27}{cells}    {over:+.2f} of {len(CONDITIONS)}, {singly}")


def _difference(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> str:
    """Says by how much the share of one condition is above another's, clips drawn together."""

    def above(won, of, other_won, other_of, axis):
        return won.sum(axis) / of.sum(axis) - other_won.sum(axis) / other_of.sum(axis)

    found = bootstrap(
        (*first, *second),
        above,
        paired=True,
        vectorized=True,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    value = above(*first, *second, axis=0)
    return f"{value:+.3f} [{found.low:+.2f}, {found.high:+.2f}]"


def _accuracy(judged: tuple[np.ndarray, np.ndarray]) -> Accuracy:
    wins, counts = judged
    return Accuracy(
        preferred_share(wins, counts), share_interval(wins, counts), int(counts.sum()), len(wins)
    )


def _said(found: Accuracy) -> str:
    if found.share is None or found.interval is None:
        return "–"
    return f"{found.share:.3f} [{found.interval[0]:.2f}, {found.interval[1]:.2f}]"


def _people(folder: Path, condition: str, names: Sequence[str]) -> np.ndarray:
    """Returns people's mean appropriateness of each clip."""
    path = folder / f"Cond_{condition}_appropriateness.csv"
    try:
        rows = dict(list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:])
        return np.array([float(rows[name]) for name in names])
    except (OSError, ValueError, KeyError) as problem:
        raise UserError(
            f"{path} must have a row with a name and a score for each clip ({problem}); name the "
            "folder of GENEA 2020's material"
        ) from problem
