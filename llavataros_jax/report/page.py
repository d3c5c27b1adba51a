"""One HTML file of an evaluation, opened from disk: no network, no script or font from elsewhere.

Its own policy (`Content-Security-Policy`) forbids everything but what lies in the file; the one
script is named there by its hash. So a clip's name cannot run, even if it were not escaped.
"""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from string import Template

from llavataros_jax.atomic import write_text
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.packages import require_packages
from llavataros_jax.rendering.film import check_film_tools
from llavataros_jax.report.clip_table import clip_table
from llavataros_jax.report.films import FILM_SECONDS, HEIGHT, WIDTH, film
from llavataros_jax.report.heading import heading
from llavataros_jax.report.learned import attention, losses
from llavataros_jax.report.looks import Looks, Source, look_at, motions_of
from llavataros_jax.report.markup import absent, data_uri, figure, number, prose, section, text
from llavataros_jax.report.pictures import plot_beats, plot_histogram, plot_paths
from llavataros_jax.report.ranking import Ranked, Ranking, rank
from llavataros_jax.report.repeat import repeat
from llavataros_jax.report.themed import themed
from llavataros_jax.report.value_table import value_table
from llavataros_jax.trained import TrainedRun

_HERE = Path(__file__).parent


def check_report_tools(*, films: bool = True) -> None:
    """Finds out whether a report can be made here, before an evaluation ends in one.

    Raises:
        UserError: When a library is missing.
    """
    require_packages("the pictures of a report", "matplotlib", "librosa", extra="demo")
    if films:
        check_film_tools()


def write_report(
    path: Path,
    result: Result,
    source: Source,
    *,
    run: TrainedRun | None = None,
    log: Path | None = None,
    reader: ClipReader | None = None,
    films: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Writes an evaluation as a page.

    Args:
        path: HTML file to write.
        result: The table.
        source: The clips it was made of, in the same order; at most 15 of them are read again.
        run: The trained run that moved, for its attention.
        log: Its `log.jsonl`, for its loss curves.
        reader: The records of the clips, for its attention.
        films: Whether the best, median and worst clip are filmed.
        progress: Is told in a few words what is being done.

    Raises:
        UserError: When a library is missing or a clip cannot be read again.
    """
    check_report_tools(films=films)
    ranking = rank(result)
    looks = look_at(source, result, ranking, progress=progress)
    progress("drawing")
    parts = [
        section("table", "The table", value_table(result), says=_TABLE),
        _films(ranking, looks, films, progress),
        _movement(ranking, looks),
        _speech(ranking, looks, run, reader),
        section("training", "Training", losses(log)) if log is not None and log.is_file() else "",
        section("clips", "Every clip", clip_table(result), says=_CLIPS),
        section("repeat", "To repeat this", repeat(result)),
    ]
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = Template((_HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=text(f"{result.system} · {result.protocol.name}"),
        policy=f"default-src 'none'; img-src data:; media-src data: blob:; "
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        heading=heading(result),
        main="\n".join(part for part in parts if part),
    )
    write_text(path, page)


_TABLE = (
    "Values are pooled over all clips. Read them against the recorded motion and the anchors: what "
    "is no better than an anchor is not good. Open a row for its meaning and source."
)
_CLIPS = "The system's value of each clip and, where there is one, the recorded motion's below it."


def _films(ranking: Ranking, looks: Looks, wanted: bool, progress: Callable[[str], None]) -> str:
    if not wanted or not ranking.clips:
        return ""
    shown = []
    for clip in ranking.clips:
        progress(f"filming the {clip.place} clip")
        shown.append(_film(clip, looks.whole[clip.number], looks.recorded))
    by = (
        f"by <em>{text(ranking.measure.title)}</em>: {prose(ranking.measure.says)}"
        if ranking.measure
        else "the first one, because no measure has values of single clips."
    )
    says = f"Chosen {by} Up to {FILM_SECONDS:g} s from the middle of each clip."
    return section("films", "Films", f'<div class="films">{"".join(shown)}</div>', says=says)


def _film(clip: Ranked, performance: Performance, recorded: bool) -> str:
    name = f"<strong>{text(clip.place)}</strong> <span class='clip'>{text(clip.clip)}</span>"
    value = f'<span class="value">{number(clip.value)}</span>'
    try:
        motions = motions_of(performance, recorded=recorded)
        made = film(motions, performance.spoken)
    except UserError as problem:
        return figure(absent("No film", problem), name + value)
    who = "".join(f"<span>{name}</span>" for name in motions)
    notes = "" if performance.spoken else " Without sound."
    if raised := made.raised_metres:
        notes += f" The system's motion is shown {number(abs(raised))} m "
        notes += f"{'higher' if raised > 0 else 'lower'}, level with the recorded one."
    video = (
        f'<div class="who" aria-hidden="true">{who}</div><video controls playsinline '
        f'preload="metadata" width="{WIDTH}" height="{HEIGHT}" '
        f'aria-label="{text(clip.place)} clip {text(clip.clip)}, {" beside ".join(motions)}" '
        f'src="{data_uri(made.content, "video/mp4")}" '
        f'poster="{data_uri(made.poster, "image/jpeg")}"></video>'
    )
    return figure(video, f"{name}{value}<span class='absent'>{notes}</span>")


def _movement(ranking: Ranking, looks: Looks) -> str:
    sampled = f"{looks.clips} clips, {looks.seconds:.0f} s"
    charts = [
        _picture(
            lambda path: plot_histogram(path, looks.speeds, title="speed", unit="m/s"),
            "speed of the hands",
            f"<strong>How fast hands move.</strong> Both hands, every frame, of {sampled}. "
            f"{_means(looks.speeds, 'm/s')}",
        ),
        _picture(
            lambda path: plot_histogram(
                path, looks.accelerations, title="acceleration", unit="m/s²"
            ),
            "acceleration of the hands",
            f"<strong>How abruptly.</strong> Jitter shows as a tail. "
            f"{_means(looks.accelerations, 'm/s²')}",
        ),
    ]
    if ranking.clips:
        clip = ranking.median
        motions = motions_of(looks.measured[clip.number], recorded=looks.recorded)
        for who in motions:
            charts.append(
                _picture(
                    lambda path, who=who: plot_paths(path, motions, who=who),
                    f"paths of the wrists, {who}",
                    f"<strong>Where wrists go, {who}.</strong> From the front, clip "
                    f"{text(clip.clip)}; grey is the mean pose.",
                )
            )
    return section("movement", "Movement", f'<div class="charts">{"".join(charts)}</div>')


def _means(values, unit: str) -> str:
    found = {who: [v for array in arrays for v in array] for who, arrays in values.items()}
    return " ".join(
        f"Mean {who} {number(sum(all_) / len(all_))} {unit}." for who, all_ in found.items() if all_
    )


def _speech(
    ranking: Ranking, looks: Looks, run: TrainedRun | None, reader: ClipReader | None
) -> str:
    if not ranking.clips:
        return ""
    ranked = (ranking.median, *ranking.clips)
    clip = next((c for c in ranked if looks.measured[c.number].spoken), ranking.median)
    shown = looks.measured[clip.number]
    motions = motions_of(shown, recorded=looks.recorded)
    beats = _picture(
        lambda path: plot_beats(path, motions, shown.spoken),
        "speech above the speed of the wrists",
        f"<strong>Beats over the spectrogram.</strong> The middle of clip {text(clip.clip)}: "
        "vertical lines are beats of the speech, dots are beats of the motion (where a wrist is "
        "slowest); dashed is the recorded motion.",
        wide=True,
    )
    seen = attention(run, reader, clip.clip) if run is not None and reader is not None else ""
    return section("speech", "Speech and movement", beats, seen)


def _picture(draw: Callable[[Path], None], label: str, caption: str, *, wide: bool = False) -> str:
    try:
        return figure(themed(draw, label=label), caption, wide=wide)
    except UserError as problem:
        return absent(f"No picture of the {label}", problem)
