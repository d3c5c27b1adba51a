"""One film of a held-out clip: the recorded motion and what heads make of its speech, in a row."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from llavataros.heads.plan import Plan
from llavataros.heads.rows import Row
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.recordings import find_recording
from llavataros_jax.data.segments import interlocutor_of, speech_of, words_of
from llavataros_jax.rendering.film import write_film
from llavataros_jax.run_options import with_run_options
from llavataros_jax.trained import open_trained

# Those that are shown, if they are in the table; of several of a kind the first.
_SHOWN = (("regression",), ("gain",), ("flow-2", "flow-1", "flow-5", "flow-20"))
# A row of four needs more width than one person.
WIDTH, HEIGHT = 1280, 480


def shown_rows(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows to film: the regression, the gain on it and a flow, where there are such."""
    by_name = {row.name: row for row in rows}
    found = (next((by_name[name] for name in some if name in by_name), None) for some in _SHOWN)
    return [row for row in found if row is not None]


def film_heads(out: Path, plan: Plan, sizes: Mapping[str, float]) -> Path:
    """Films the first held-out clip and returns the film.

    Args:
        out: Folder of the film.
        plan: Rows and their runs; those of the first seed are shown.
        sizes: Sizes that were searched for, by row.
    """
    rows, runs = shown_rows(plan.rows), {}
    for row in rows:
        dials = list(plan.dials_of(row))
        if row.name in sizes:
            dials.append(f"film.size={sizes[row.name]}")
        trained = open_trained(plan.runs[row.name][0].folder)
        runs[row.name] = with_run_options(trained, dials)
    run = next(iter(runs.values()))
    reader = ClipReader(run.config.data.records, "validation")
    entry, arrays, fps = reader.clips[0], reader[0], run.manifest.fps
    real = run.animator.codec.decode(arrays["pose"], fps, entry.speaker)
    main, other = speech_of(arrays), interlocutor_of(arrays)
    path = out / f"heads{run.config.film.suffix}"
    write_film(
        path,
        real,
        others=[one.animate(main, other) for one in runs.values()],
        labels=["real", *runs],
        facing_alike=True,
        audio=find_recording(run.config.data.folder, entry.recording),
        audio_start_seconds=entry.start_frame / fps,
        words=words_of(arrays),
        title=entry.name,
        width=WIDTH,
        height=HEIGHT,
    )
    return path
