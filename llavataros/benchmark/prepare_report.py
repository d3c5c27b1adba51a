"""What the benchmark of preparation found, as JSON and as a table, with the machine it ran on."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from llavataros.benchmark import train_report
from llavataros_jax.atomic import write_json, write_text

_PACKAGES = ("librosa", "scipy", "soundfile", "soxr", "tokenizers", "apache-beam")


def machine() -> dict[str, Any]:
    """Returns what `train_report.machine` does, and the versions of what prepares."""
    found = train_report.machine()
    for name in _PACKAGES:
        try:
            found["versions"][name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def add_ratios(rows: list[dict[str, Any]]) -> None:
    """Adds to our rows how many times as fast as the usual way of the same part they are."""
    for row in rows:
        usual = [
            other["median_seconds"]
            for other in rows
            if other["part"] == row["part"] and not other["is_ours"]
        ]
        if row["is_ours"] and usual:
            row["times_usual"] = min(usual) / row["median_seconds"]


def table(found: dict[str, Any]) -> str:
    """Returns the report in Markdown."""
    corpus, sizes = found["corpus"], found["bytes"]
    lines = [
        f"# Preparation beside the usual script, config {corpus['config']}",
        "",
        f"{corpus['clips']} clips, {corpus['minutes']:.2f} minutes, {corpus['frames']:,} frames at "
        f"{corpus['fps']:g} fps; {corpus['audio']}; {corpus['text']}. The usual script is one "
        "process with librosa, SciPy and NumPy, a row of float32 for each frame; it keeps, shares "
        "and checks nothing.",
        "",
        train_report.measured_on(found),
        "",
        "Both ways compared on the first recording: "
        + "; ".join(f"{name} {said}" for name, said in found["parity"].items())
        + ".",
        *found["notes"],
        "",
        "| part | way | seconds a minute | spread | × real time | frames/s | of the usual speed |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        times = row.get("times_usual")
        lines.append(
            f"| {row['part']} | {row['way']} | {row['seconds_per_minute']:.3g} | "
            f"{row['spread']:.0%} | {row['times_real']:,.0f} | {row['frames_per_second']:,.0f} | "
            f"{'' if times is None else f'{times:.2f} ×'} |"
        )
    minutes = corpus["minutes"]
    lines += [
        "",
        f"Records are {sizes['ours'] / minutes / 1e6:.3g} MB for a minute, the script's files "
        f"{sizes['usual'] / minutes / 1e6:.3g} MB.",
    ]
    return "\n".join(lines) + "\n"


def write(found: dict[str, Any], out: Path) -> None:
    """Writes `prepare.json` and `prepare.md` into `out`."""
    write_json(out / "prepare.json", found)
    write_text(out / "prepare.md", table(found))
