"""Films of predicted beside recorded motion."""

from pathlib import Path

from llavataros_jax.config import FilmConfig
from llavataros_jax.evaluate.engine import Source
from llavataros_jax.rendering.axes import drawable
from llavataros_jax.rendering.film import write_film
from llavataros_jax.trained import TrainedRun


def film_clips(source: Source, out: Path, run: TrainedRun | None) -> list[Path]:
    """Films every clip, the predicted person left; returns the files."""
    film = run.config.film if run else FilmConfig()
    written = []
    for number in range(len(source)):
        performance = source[number]
        predicted, real = drawable(performance.predicted[0]), drawable(performance.real)
        spoken = performance.spoken
        path = out / f"{performance.clip.replace('/', '_')}_beside_real{film.suffix}"
        write_film(
            path,
            predicted,
            second=real,
            facing_alike=True,
            audio=spoken and spoken.recording,
            audio_start_seconds=spoken.start_seconds if spoken else 0.0,
            words=spoken.words if spoken else (),
            title="predicted, real",
            width=film.width,
            height=film.height,
        )
        written.append(path)
    return written
