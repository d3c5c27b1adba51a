"""Every clip's own values, in a table that a click sorts."""

import math
from collections.abc import Mapping

from llavataros_jax.evaluation.result import Result
from llavataros_jax.report.markup import number, text
from llavataros_jax.report.ranking import column_key

MOST_CLIPS = 500


def clip_table(result: Result) -> str:
    """Returns the system's values of every clip, the recorded motion's below them, as HTML."""
    system, real = column_key(result, "system"), column_key(result, "real")
    measures = [
        measure
        for measure in result.protocol.measures
        if any(system in values.get(measure.key, {}) for values in result.by_clip.values())
    ]
    if not measures:
        return '<p class="absent">No clip has a value of its own.</p>'
    heads = "".join(
        f'<th scope="col" aria-sort="none"><button type="button" title="{text(measure.says)}">'
        f"{text(measure.title)}</button></th>"
        for measure in measures
    )
    shown = list(result.by_clip.items())[:MOST_CLIPS]
    rows = "".join(
        f'<tr><th scope="row" class="measure" data-value="{text(clip)}">{text(clip)}</th>'
        + "".join(_value(values.get(measure.key, {}), system, real) for measure in measures)
        + "</tr>"
        for clip, values in shown
    )
    left_out = len(result.by_clip) - len(shown)
    more = f'<p class="absent">{left_out} more clips are in the JSON file.</p>' if left_out else ""
    return (
        '<div class="scroll table-scroll" tabindex="0" role="region" aria-label="Every clip">'
        '<table class="clips sortable"><thead><tr><th scope="col" aria-sort="none" '
        f'class="measure"><button type="button">clip</button></th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}"
    )


def _value(values: Mapping[str, float], system: str, real: str) -> str:
    value, recorded = values.get(system, math.nan), values.get(real, math.nan)
    key = f"{value:.9g}" if math.isfinite(value) else ""
    below = f"<small>real {number(recorded)}</small>" if math.isfinite(recorded) else ""
    return f'<td data-value="{key}"><b>{number(value)}</b>{below}</td>'
