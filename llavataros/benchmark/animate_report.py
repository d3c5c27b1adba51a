"""What the comparison of animation found, as JSON and as a table, with the machine it ran on."""

from pathlib import Path
from typing import Any

from llavataros.benchmark.train_report import measured_on, times
from llavataros_jax.atomic import write_json, write_text


def table(found: dict[str, Any]) -> str:
    """Returns the report in Markdown."""
    task = found["task"]
    lines = [
        f"# {task['seconds']:g} s of two people's speech animated, {task['size']} size",
        "",
        f"{task['parameters']:,} parameters, {task['frames']} frames, from features in memory to "
        f"poses in memory. PyTorch and the ancestor go by segments of {task['segment_frames']} "
        f"frames with a memory of {task['memory_frames']}, without gradients. Seconds are of one "
        "recording; ours also has several at a time, in lanes.",
        "",
        measured_on(found),
        "",
        *(f"{said}." for said in found["parity"]),
        *found["notes"],
        "",
        "| whose | way | seconds | spread | frames/s | × real time | of PyTorch's speed "
        "| of the ancestor's | first call |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        first = f"{row['first_seconds']:.1f} s" if "first_seconds" in row else ""
        lines.append(
            f"| {row['side']} | {row['way']} | {row['median_seconds']:.4g} | {row['spread']:.0%} | "
            f"{row['frames_per_second']:,.0f} | {row['times_real_time']:.3g} | "
            f"{times(row.get('times_pytorch'))} | {times(row.get('times_ancestor'))} | {first} |"
        )
    return "\n".join(lines) + "\n"


def write(found: dict[str, Any], out: Path) -> None:
    """Writes `animate.json` and `animate.md` into `out`."""
    write_json(out / "animate.json", found)
    write_text(out / "animate.md", table(found))
