"""The results of a study as a table to read, files to keep and a picture."""

import csv
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llavataros.study.shares import CONFIDENCE
from llavataros.study.strengths import MEAN_STRENGTH
from llavataros.study.summary import MISMATCHED, Share, Strength
from llavataros_jax.atomic import atomic_path, write_json
from llavataros_jax.rendering.plots import FAINT, INK, TRAIN, save_picture, subplots

HEADER = (
    *("measure", "first", "second", "wins", "losses", "ties", "value", "low", "high"),
    *("people_low", "people_high", "p", "p_holm"),
)


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        study: Which study.
        kind: `preference` or `matching`.
        settings: How it was analysed.
        participants: Who counts, with the number of judgements.
        dropped: Who does not: attention checks failed, and seen.
        shares: By pair of systems, or by system.
        strengths: Bradley–Terry, of a preference study.
        sides: Left against right.
        median_seconds: From the films' appearance to the answer.
    """

    study: str
    kind: str
    settings: dict[str, Any]
    participants: dict[str, int]
    dropped: dict[str, tuple[int, int]]
    shares: Sequence[Share]
    strengths: Sequence[Strength]
    sides: Share
    median_seconds: float


def format_results(results: Results) -> str:
    """Returns a table for the terminal."""
    judgements = sum(results.participants.values())
    lines = [
        f"{results.kind} study {results.study}: {judgements} answers by "
        f"{_count(len(results.participants), 'participant')}, "
        f"{results.median_seconds:.1f} s each in the median",
    ]
    if results.dropped:
        who = ", ".join(
            f"{name} ({failed} of {seen})" for name, (failed, seen) in results.dropped.items()
        )
        asked = len(results.dropped) + len(results.participants)
        lines.append(
            f"dropped {len(results.dropped)} of {_count(asked, 'participant')} for failed "
            f"attention checks: {who}"
        )
    sides = results.sides
    lines.append(
        f"left was chosen {sides.wins} and right {sides.losses} times (p {_p(sides.p)} for a side)"
    )
    width = max(len(_name(share)) for share in results.shares)
    what = "pair" if results.kind == "preference" else "motion"
    width = max(width, len(what))
    lines += [
        "",
        f"{what.ljust(width)}  wins losses ties    share  Wilson's 95 %   over people       p  "
        "Holm's p",
    ]
    lines += [
        f"{_name(row).ljust(width)}  {row.wins:4d} {row.losses:6d} {row.ties:4d}  "
        f"{100 * row.share:5.1f} %  {_range(row.low, row.high)}  "
        f"{_range(row.people_low, row.people_high)}  "
        f"{_p(row.p):>6}  {_p(row.p_holm):>8}"
        for row in results.shares
    ]
    if results.strengths:
        width = max(len("system"), *(len(row.system) for row in results.strengths))
        lines += ["", f"{'system'.ljust(width)}  strength  95 % interval"]
        lines += [
            f"{row.system.ljust(width)}  {row.strength:8.0f}"
            + ("" if math.isnan(row.low) else f"  {row.low:.0f} to {row.high:.0f}")
            for row in results.strengths
        ]
    return "\n".join(lines)


def write_results(folder: Path, results: Results) -> list[Path]:
    """Writes results.json, results.csv and results.png, each whole or not at all."""
    paths = [folder / name for name in ("results.json", "results.csv", "results.png")]
    write_json(paths[0], _finite(dataclasses.asdict(results)))
    with atomic_path(paths[1]) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        measure = "win share" if results.kind == "preference" else "matched share"
        for row in results.shares:
            values = dataclasses.astuple(row)
            writer.writerow((measure, *("" if value != value else value for value in values)))
        for row in results.strengths:
            ends = ["" if math.isnan(end) else end for end in (row.low, row.high)]
            empty = ("", "")
            writer.writerow(
                ("strength", row.system, *empty, *empty, row.strength, *ends, *empty, *empty)
            )
    draw(paths[2], results)
    return paths


def draw(path: Path, results: Results) -> None:
    """Draws strengths, or shares of matched motion, as points with intervals."""
    if results.strengths:
        rows = [(row.system, row.strength, row.low, row.high) for row in results.strengths]
        label, middle = "Bradley–Terry strength, points of Elo", MEAN_STRENGTH
    else:
        rows = [(s.first, 100 * s.share, 100 * s.low, 100 * s.high) for s in results.shares]
        rows.sort(key=lambda row: -row[1])
        label, middle = "answers for the motion with its own speech, %", 50.0
    figure, (axis,) = subplots(1, 1, size=(6.4, 1.3 + 0.42 * len(rows)))
    axis.axvline(middle, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    for place, (name, value, low, high) in enumerate(rows):
        axis.plot([low, high], [place, place], color=TRAIN, linewidth=2.2, solid_capstyle="butt")
        axis.plot([value], [place], "o", color=TRAIN, markersize=7, mec="white", mew=1)
        axis.annotate(
            f"{value:.0f}",
            (value, place),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
        axis.text(
            -0.02,
            place,
            name,
            transform=axis.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=9,
            color=INK,
            parse_math=False,
        )
    axis.set_yticks([])
    axis.set_ylim(len(rows) - 0.5, -0.7)
    axis.set_xlabel(label, fontsize=9, color=INK)
    axis.spines["left"].set_visible(False)
    people = _count(len(results.participants), "participant")
    percent = f"{100 * CONFIDENCE:.0f} %"
    axis.set_title(f"{people}, {percent} intervals", fontsize=9, color=INK, loc="left")
    save_picture(figure, path)


def _name(share: Share) -> str:
    if share.second == MISMATCHED:
        return share.first
    return f"{share.first} over {share.second}"


def _range(low: float, high: float) -> str:
    return "-".center(14) if math.isnan(low) else f"{100 * low:5.1f} to {100 * high:5.1f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _finite(value: Any) -> Any:
    """Replaces what JSON has no word for by null."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
