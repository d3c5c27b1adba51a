"""Writes a corpus: `python -m data_prep.corpus --hours 4 --seed 1 --out DIR`.

Without `--hours` it is the bundled one: `python -m data_prep.corpus --out corpus`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from data_prep.corpus.bundled.performance import Performance, perform_take
from data_prep.corpus.bundled.sentences import TAKES
from data_prep.corpus.clip_files import table
from data_prep.corpus.clip_files import write_clip as write_files
from llavataros_jax.atomic import write_text
from llavataros_jax.errors import UserError, door

# The bundled sound is rounded to 12 bits, to be small.
SOUND_STEP = 2.0**-11


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Makes what is asked for and writes each clip's sound, words and motion."""
    options = build_parser().parse_args(arguments)
    if options.hours is not None:
        if options.takes is not None:
            raise UserError("--takes names takes of the bundled corpus; leave it out with --hours")
        # Late, so that processes that only make clips need not know of it.
        from data_prep.corpus.hours.writer import write_hours

        write_hours(
            options.out,
            hours=options.hours,
            seed=options.seed or 0,
            without_held_out=options.without_held_out,
            workers=options.workers,
            piper=options.piper,
        )
        return 0
    for option in ("seed", "workers", "piper", "without_held_out"):
        if getattr(options, option) not in (None, False):
            name = option.replace("_", "-")
            raise UserError(f"--{name} has an effect with --hours alone; give both or neither")
    _write_bundled(options.out, options.takes or list(TAKES))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m data_prep.corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--takes", nargs="+", help="takes of the bundled corpus to make")
    parser.add_argument("--hours", type=float, help="how much to make of the corpus of hours")
    parser.add_argument("--seed", type=int, help="another seed is another corpus (default 0)")
    parser.add_argument("--workers", type=int, help="clips made at a time (default: one a core)")
    parser.add_argument(
        "--without-held-out",
        action="store_true",
        help="never say the synonyms that are held out to test the meaning of words",
    )
    parser.add_argument(
        "--piper",
        type=Path,
        help="say a half of the clips with this neural voice, a Piper voice's .onnx",
    )
    return parser


def _write_bundled(folder: Path, takes: Sequence[str]) -> None:
    unknown = sorted(set(takes) - set(TAKES))
    if unknown:
        raise UserError(f"--takes: no take is called {unknown[0]!r}; there are {', '.join(TAKES)}")
    performances = []
    for take in takes:
        for performance in perform_take(take):
            write_clip(folder, performance)
            seconds = performance.motion.seconds
            print(
                f"{performance.name}: {seconds:.1f} s, {len(performance.words)} words, "
                f"{len(performance.strokes)} strokes"
            )
            performances.append(performance)
    if set(takes) == set(TAKES):
        rows = ((p.name, p.speaker, p.take, p.interlocutor) for p in performances)
        write_text(folder / "clips.tsv", table(rows))


def write_clip(folder: Path, performance: Performance) -> None:
    """Writes a clip of the bundled corpus."""
    words = _timed_words(performance)
    path = folder / performance.name
    write_files(path, performance.samples, performance.motion, words, SOUND_STEP)


def _timed_words(performance: Performance) -> list[dict[str, str | float]]:
    """Lists words with their times, and the onset, apex and kind of the strokes they carry."""
    rows: list[dict[str, str | float]] = [
        {
            "word": word.text,
            "start": round(word.start_seconds, 4),
            "end": round(word.end_seconds, 4),
            "stress": round(word.stress_seconds, 4),
        }
        for word in performance.words
    ]
    for stroke in performance.strokes:
        rows[stroke.word] |= {"gesture": stroke.kind, "apex": round(stroke.apex_seconds, 4)}
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
