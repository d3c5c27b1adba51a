"""The table of measures and columns, with intervals and what every number means."""

from collections.abc import Mapping, Sequence

from llavataros_jax.evaluation.columns import Column
from llavataros_jax.evaluation.measure import Measure, Towards
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.tally import Cell
from llavataros_jax.report.interval_plot import interval_plot
from llavataros_jax.report.markup import number, prose, text

GROUPS = (
    ("system", ("system",), "the system"),
    ("real", ("real", "halves"), "recorded"),
    ("motion", ("motion",), "anchors: other motion"),
    ("speech", ("speech",), "anchors: other speech"),
)
GOOD: dict[Towards, tuple[str, str]] = {
    "real": ("≈ real", "good is near the recorded motion's value"),
    "low": ("↓ low", "lower is better"),
    "high": ("↑ high", "higher is better"),
    "one": ("→ 1", "good is near 1"),
    "zero": ("→ 0", "good is near 0"),
    "none": ("", "no value is better than another"),
}


def value_table(result: Result) -> str:
    """Returns the table, a legend, and what its columns are, as HTML."""
    protocol = result.protocol
    groups = [
        (name, title, [c for c in protocol.columns if c.kind in kinds and _has_any(result, c)])
        for name, kinds, title in GROUPS
    ]
    groups = [group for group in groups if group[2]]
    columns = [(name, column) for name, _, members in groups for column in members]
    rows = [
        _row(measure, result.cells[measure.key], columns)
        for measure in protocol.measures
        if measure.key in result.cells
    ]
    lacking = [m.title for m in protocol.measures if m.key not in result.cells]
    return "\n".join(
        (
            _LEGEND,
            '<div class="scroll table-scroll" tabindex="0" role="region" aria-label="The table">',
            f'<table class="values">{_head(groups)}<tbody>{"".join(rows)}</tbody></table></div>',
            f'<p class="absent">Nothing to measure for: {text(", ".join(lacking))}.</p>'
            if lacking
            else "",
            _columns(columns),
        )
    )


_LEGEND = (
    '<p class="legend"><span class="key system">system</span>'
    '<span class="key real">recorded</span>'
    '<span class="key anchor">anchors</span>'
    '<span class="key ideal">0 or 1, where that is good</span>'
    "<span>[ ] interval of 95 % by bootstrap over clips</span></p>"
)


def _has_any(result: Result, column: Column) -> bool:
    return any(column.key in cells for cells in result.cells.values())


def _head(groups: Sequence[tuple[str, str, list[Column]]]) -> str:
    above = "".join(
        f'<th scope="colgroup" colspan="{len(members)}" class="{name} first">{text(title)}</th>'
        for name, title, members in groups
    )
    below = "".join(
        f'<th scope="col" class="{name}{" first" * (place == 0)}" title="{text(column.says)}">'
        f"{text(column.title)}</th>"
        for name, _, members in groups
        for place, column in enumerate(members)
    )
    return (
        '<thead><tr><th rowspan="2" scope="col" class="measure">measure</th>'
        f'<th rowspan="2" scope="col" class="plot">system and recorded</th>{above}</tr>'
        f"<tr>{below}</tr></thead>"
    )


def _row(measure: Measure, cells: Mapping[str, Cell], columns: Sequence[tuple[str, Column]]) -> str:
    by_kind: dict[str, list[Cell]] = {}
    for _, column in columns:
        if column.key in cells:
            by_kind.setdefault(column.kind, []).append(cells[column.key])
    system = next(iter(by_kind.get("system", ())), None)
    recorded = [*by_kind.get("real", ()), *by_kind.get("halves", ())]
    anchors = [*by_kind.get("motion", ()), *by_kind.get("speech", ())]
    plot = interval_plot(system, next(iter(recorded), None), anchors, towards=measure.towards)
    values, before = [], ""
    for name, column in columns:
        first = " first" if name != before else ""
        before = name
        values.append(f'<td class="{name}{first}">{_cell(measure, column, cells)}</td>')
    short, long = GOOD[measure.towards]
    good = f'<span class="good" title="{text(long)}">{text(short)}</span>' if short else ""
    return (
        '<tr><th scope="row" class="measure"><details>'
        f'<summary><span class="title">{text(measure.title)}</span> {good}'
        f'<span class="plot-again">{plot}</span>'
        f'<span class="says">{prose(measure.says)}</span></summary>'
        f'<p class="says-again">{prose(measure.says)}</p>'
        f'<p class="source">{prose(measure.source)}</p></details></th>'
        f'<td class="plot">{plot}</td>{"".join(values)}</tr>'
    )


def _cell(measure: Measure, column: Column, cells: Mapping[str, Cell]) -> str:
    cell = cells.get(column.key)
    if cell is None:
        return '<span class="none">–</span>' if column.suits(measure) else ""
    low, high = (number(end, like=cell.value) for end in (cell.low, cell.high))
    interval = f"<small>[{low}, {high}]</small>" if low != "–" else ""
    return f"<b>{number(cell.value)}</b>{interval}"


def _columns(columns: Sequence[tuple[str, Column]]) -> str:
    lines = "".join(
        f"<dt>{text(column.title)}</dt><dd>{prose(column.says)}</dd>" for _, column in columns
    )
    return (
        f'<details class="more"><summary>What the columns are</summary><dl>{lines}</dl></details>'
    )
