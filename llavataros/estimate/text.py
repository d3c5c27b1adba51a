"""An estimate as a text of aligned columns."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llavataros.estimate.memory import KEPT, memory_of

_WIDTH = 100
_LABEL = 34
# Below this a step on an accelerator is launches and the host, not arithmetic.
_SHORT_STEP_SECONDS = 2e-3


def lines_of(
    counted: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    ceiling: str,
    notes: Sequence[str],
    all_products: bool = False,
) -> Iterator[str]:
    """Yields the lines, none longer than 100 characters."""
    yield title
    for sentence in (*counted["chosen"], *counted["assumed"]):
        yield from _wrapped(sentence)
    yield ""
    yield from _parameters(counted["parameters"])
    yield ""
    yield from _arithmetic(counted, all_products)
    yield ""
    yield from _memory(counted["bytes"], counted["run"]["devices"])
    yield ""
    yield from _run(counted)
    yield ""
    yield from _devices(rows, ceiling)
    if rows and min(row["seconds_per_step"] for row in rows) < _SHORT_STEP_SECONDS:
        notes = ["Steps below 2 ms are bound by launches and the host: they take longer.", *notes]
    for note in notes:
        yield from _wrapped(note)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _parameters(counts: Mapping[str, int]) -> Iterator[str]:
    total = counts["total"]
    yield f"{'Parameters':<{_LABEL}}{total:>16,}"
    for part, count in counts.items():
        if part != "total":
            yield f"  {part:<{_LABEL - 2}}{count:>16,}{100 * count / total:>9.1f} %"


def _arithmetic(counted: Mapping[str, Any], all_products: bool) -> Iterator[str]:
    flop, run = counted["flop"], counted["run"]
    step = flop["per_step"]
    segments = run["frames_per_step"] // (run["lanes"] * run["segment_frames"])
    frames = run["segment_frames"] if segments == 1 else f"{segments} × {run['segment_frames']}"
    what = f"GFLOP a step, {run['lanes']} lanes × {frames} frames"
    yield f"{what:<{_LABEL + 4}}{'forward':>12}{'backward':>12}{'share':>11}"
    for part, passes in flop["parts"].items():
        yield _flop_line(f"  {part}", passes, step)
        for product in flop["products"] if all_products else ():
            if product["part"] == part:
                name = f"    {product['times']} × {product['name']}"
                yield f"{_flop_line(name, product, step)}   {product['einsum']}"
    update = {"forward": 0, "backward": flop["optimizer_per_step"]}
    yield _flop_line("  optimiser (each parameter)", update, step)
    both = {
        "forward": flop["forward_per_step"],
        "backward": flop["backward_per_step"] + flop["optimizer_per_step"],
    }
    yield _flop_line("  together", both, step)
    yield (
        f"  {_flop(step)} a step; a frame {_flop(flop['forward_per_frame'])} forward, "
        f"{_flop(flop['training_per_frame'])} trained"
    )


def _flop_line(label: str, passes: Mapping[str, Any], step: float) -> str:
    forward, backward = passes["forward"], passes["backward"]
    share = 100 * (forward + backward) / step
    return f"{label:<{_LABEL + 4}}{forward / 1e9:>12,.3f}{backward / 1e9:>12,.3f}{share:>9.1f} %"


def _memory(parts: Mapping[str, int], devices: int) -> Iterator[str]:
    heading = "Memory of a device" if devices == 1 else f"Memory of each of {devices} devices"
    yield f"{heading:<{_LABEL}}{_bytes(memory_of(parts)):>16}"
    kept = sum(size for part, size in parts.items() if part.startswith(KEPT))
    for part, size in parts.items():
        if size and part != "update_traffic" and not part.startswith(KEPT):
            yield f"  {part:<{_LABEL - 2}}{_bytes(size):>16}"
    yield f"  {'kept for the backward pass':<{_LABEL - 2}}{_bytes(kept):>16}"
    for part, size in parts.items():
        if size and part.startswith(KEPT):
            yield f"    {part.removeprefix(KEPT):<{_LABEL - 4}}{_bytes(size):>16}"


def _run(counted: Mapping[str, Any]) -> Iterator[str]:
    run = counted["run"]
    hours = run["frames"] / run["fps"] / 3600
    yield (
        f"Run of {run['steps']:,} steps: {run['frames']:,} frames, {hours:,.1f} hours at "
        f"{run['fps']} fps, {_flop(counted['flop']['run'])}"
    )
    if run["epochs"] is not None:
        yield (
            f"  {run['epochs']:,.1f} times {_duration(run['hours_of_recordings'])} of training "
            "recordings, idle lanes included"
        )
    yield f"  a step reads {_bytes(run['input_bytes_per_step'])}; validation is not in it"


def _devices(rows: Sequence[Mapping[str, Any]], ceiling: str) -> Iterator[str]:
    yield ceiling
    costs = any(row["cost"] is not None for row in rows)
    heads = f"{'a step':>10}{'frames/s':>12}{'input':>12}{'memory':>9}{'time':>11}"
    yield f"  {'':<26}{'TFLOP/s':>9}{heads}{'cost' if costs else '':>9}".rstrip()
    for row in rows:
        mark = "*" if row["is_configured"] else " "
        share = "" if row["memory_share"] is None else f"{100 * row['memory_share']:.0f} %"
        cost = "" if row["cost"] is None else f"{row['cost']:,.2f}"
        yield (
            f"{mark} {row['device']:<26}{row['flop_per_second'] / 1e12:>9,.1f}"
            f"{_seconds(row['seconds_per_step']):>10}{row['frames_per_second']:>12,.0f}"
            f"{_bytes(row['input_bytes_per_second']) + '/s':>12}{share:>9}"
            f"{_duration(row['hours']):>11}{cost:>9}"
        ).rstrip()


def _flop(value: float) -> str:
    return _scaled(value, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"))


def _bytes(value: float) -> str:
    return _scaled(value, ("B", "kB", "MB", "GB", "TB"))


def _scaled(value: float, units: Sequence[str]) -> str:
    power = 0
    while value >= 999.5 and power + 1 < len(units):
        value, power = value / 1000, power + 1
    return f"{value:.3g} {units[power]}"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.3g} ms"


def _duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.1f} min" if hours * 60 >= 1 else f"{3600 * hours:.1f} s"
