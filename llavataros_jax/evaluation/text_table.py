"""Tables for a terminal, which are Markdown too."""

import math
from collections.abc import Sequence

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.columns import Column
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.tally import Interval
from llavataros_jax.listing import listed

WIDTH = 160
# What a terminal has room for; all columns are in metrics.json and in the report.
SHOWN = (
    *("predicted", "real", "halves", "predicted_mismatched", "predicted_shifted"),
    *("mean_pose", "gain"),
)
WITH_INTERVAL = "predicted"
GOOD = {
    "real": "≈ real",
    "low": "low",
    "high": "high",
    "one": "≈ 1",
    "zero": "≈ 0",
    "none": "",
}
NOTHING = "–"
_SHORTEST_TITLE = 16


def format_table(result: Result, *, columns: Sequence[str] | None = None) -> str:
    """Returns a result's table, with its heading, its warnings and what its protocol lacks.

    A dash stands for what could not be measured, and nothing where a measure makes no sense.

    Args:
        result: What is shown.
        columns: Keys of columns; when not given, those of `SHOWN` that have a value.

    Raises:
        UserError: When the protocol has no such column.
    """
    shown = _columns(result, columns)
    rows = [["measure", "good", *(column.title for column in shown)]]
    for measure in result.protocol.measures:
        values = (_value(result, measure, column) for column in shown)
        rows.append([measure.title, GOOD[measure.towards], *values])
    lines = [result.heading(), "", *_markdown(rows), ""]
    lines.append(
        "[low, high]: 95 %, by bootstrap over clips; good: where good values lie; "
        f"{NOTHING}: could not be measured"
    )
    settings = "; ".join(f"{key}: {value}" for key, value in result.protocol.settings.items())
    lines += [f"settings: {settings}"] if settings else []
    lines += [f"lacks: {what}" for what in result.protocol.lacks]
    lines += [f"warning: {warning}" for warning in result.warnings]
    return "\n".join(lines)


def format_comparison(results: Sequence[Result]) -> str:
    """Returns one table of several systems, beside the recorded motion.

    Raises:
        UserError: When there are none, or they were not measured alike: by one protocol, its
            version and settings, on the same clips, joints and rate.
    """
    if not results:
        raise UserError("a comparison needs a result; name the metrics of one system or more")
    first = results[0]
    for other in results[1:]:
        _check_alike(first, other)
    columns = {column.key: column for column in first.protocol.columns}
    anchors = [columns[key] for key in ("real", "halves") if key in columns]
    rows = [["measure", "good", *(r.system for r in results), *(a.title for a in anchors)]]
    for measure in first.protocol.measures:
        systems = (_value(r, measure, columns[WITH_INTERVAL]) for r in results)
        rows.append(
            [
                *(measure.title, GOOD[measure.towards], *systems),
                *(_value(first, measure, anchor) for anchor in anchors),
            ]
        )
    protocol = first.protocol
    heading = (
        f"protocol {protocol.name} v{protocol.version}, split {first.split}: {first.clips} clips, "
        f"{first.seconds:.1f} s, {len(first.joints)} joints ({protocol.joints}) at {first.fps:g} "
        "frames per second"
    )
    lines = [heading, "", *_markdown(rows, widest=None)]
    warnings = [f"warning, {r.system}: {warning}" for r in results for warning in r.warnings]
    return "\n".join([*lines, *([""] if warnings else []), *warnings])


def format_number(number: float) -> str:
    """Returns three digits, and no power of ten where it can be helped."""
    if not math.isfinite(number):
        return NOTHING
    return f"{number:.0f}" if 1000 <= abs(number) < 1e6 else f"{number:.3g}"


def format_interval(interval: Interval) -> str:
    """Returns a value and, where there is one, its interval."""
    value = format_number(interval.value)
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return value
    return f"{value} [{format_number(interval.low)}, {format_number(interval.high)}]"


def _columns(result: Result, keys: Sequence[str] | None) -> list[Column]:
    known = {column.key: column for column in result.protocol.columns}
    if keys is None:
        filled = {key for columns in result.cells.values() for key in columns}
        return [known[key] for key in SHOWN if key in known and key in filled]
    for key in keys:
        if key not in known:
            raise UserError(
                f"protocol {result.protocol.name} has no column {key!r}; there are "
                f"{', '.join(known)}"
            )
    return [known[key] for key in keys]


def _value(result: Result, measure: Measure, column: Column) -> str:
    if not column.suits(measure):
        return ""
    cell = result.cells.get(measure.key, {}).get(column.key)
    if cell is None:
        return NOTHING
    return format_interval(cell) if column.key == WITH_INTERVAL else format_number(cell.value)


def _markdown(rows: list[list[str]], widest: int | None = WIDTH) -> list[str]:
    """Pads cells; titles are cut where a line would be wider than a terminal."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    if widest is not None:
        room = widest - sum(widths[1:]) - 3 * len(widths) - 1
        widths[0] = min(widths[0], max(room, _SHORTEST_TITLE))
    lines = []
    for row in rows:
        title = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
        cells = [title.ljust(widths[0])]
        cells += [cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return lines


def _check_alike(first: Result, other: Result) -> None:
    """Refuses numbers that mean different things."""
    for (what, ours), (_, theirs) in zip(_terms(first), _terms(other), strict=True):
        if ours != theirs:
            here, there = (_listed(terms) for terms in (ours, theirs))
            raise UserError(
                f"{first.system} and {other.system} cannot stand in one table: they differ in "
                f"{what}, {here} and {there}; measure both alike"
            )


def _terms(result: Result) -> list[tuple[str, tuple[str, ...]]]:
    """Returns what two tables must have in common."""
    protocol = result.protocol
    return [
        ("protocol", (f"{protocol.name} v{protocol.version}",)),
        ("split", (result.split,)),
        ("joints", result.joints),
        ("rate", (f"{result.fps:g} frames per second",)),
        ("settings", tuple(f"{key}: {value}" for key, value in protocol.settings.items())),
        ("clips", tuple(sorted(result.by_clip))),
    ]


def _listed(terms: tuple[str, ...]) -> str:
    if len(terms) == 1:
        return terms[0]
    return f"{len(terms)} ({listed(terms, 5)})" if terms else "none"
