"""`llavataros study make`: films of systems' motion and a page on which people judge them."""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from llavataros.study.answers import KINDS
from llavataros.study.clips import Clip, find_clips, measure, systems_of
from llavataros.study.contents import contents, record
from llavataros.study.design import Comparison, Film, matching, preference, with_attention
from llavataros.study.films import SUFFIX, Shot, write_shot
from llavataros.study.page import PLACEHOLDER_CONSENT, write_page
from llavataros_jax.atomic import write_json
from llavataros_jax.errors import UserError
from llavataros_jax.rendering.film import LARGEST_PIXELS, SMALLEST_PIXELS, check_film_tools

EPILOG = """\
Each DIR holds a system's motion (.npy, .npz, .bvh) or ready films (.mp4, .mov), one per clip,
named as the recording in --audio. Films are drawn without words or waveform, all of one size, rate
and length; ready films are fitted into the same size and get their sound from --audio too.

  {prog} --motion real=corpus ours=outputs/ours theirs=outputs/theirs \\
      --audio corpus --out study --clips 12 --consent consent.txt

preference  Two systems on the same clip: which fits the speech better?
matching    One motion twice, with its own speech and with another clip's: which belongs together?

Written to --out: index.html, films/ and study.json (for you: what was made from what). Put
index.html and films/ on a web server or send them as they are; nothing else is loaded. The same
command again goes on where it stopped and draws nothing twice. No film's name or picture tells
its system, but the page's source does; name systems A, B, … if participants might read it.

Participants open index.html, or index.html?participant=ID&completion=CODE: the ID goes into their
answers and seeds their order and sides, the CODE is shown at the end (for Prolific, as
?participant={{{{%PROLIFIC_PID%}}}}&completion=…). They end with a CSV; `analyse` reads many.
"""
DESCRIPTION = "Make a page on which people judge motion beside motion."
_SECONDS_TO_ANSWER = 4.0  # for the estimate of how long the study takes


def make(given: argparse.Namespace) -> int:
    """Makes the study that the command line asks for."""
    _check(given)
    check_film_tools()
    out = Path(given.out)
    systems = systems_of(given.motion)
    words = _words(given)
    clips, others = _measured(given, systems)
    names = list(systems)
    if given.kind == "preference":
        comparisons = preference(names, clips)
    else:
        comparisons = matching(names, clips, others, seed=given.seed)
    judged = len(comparisons)
    if given.trials is not None and not 1 <= given.trials <= judged:
        raise UserError(f"--trials is {given.trials}, but there are 1 to {judged} to be judged")
    comparisons = with_attention(comparisons, checks=given.checks, seed=given.seed)

    shots = _shots(given, clips, others, comparisons)
    hashes: dict[Path, str] = {}
    files = {film: shot.name(hashes) for film, shot in shots.items()}
    missing = {files[film]: shot for film, shot in shots.items()}
    missing = {file: shot for file, shot in missing.items() if not (out / "films" / file).is_file()}
    bar = tqdm(missing.items(), desc="films", unit="film", disable=not sys.stderr.isatty())
    for file, shot in bar:
        write_shot(out / "films" / file, shot)
    for film in (out / "films").glob(f"*{SUFFIX}"):
        if film.name not in set(files.values()):
            film.unlink()  # of an earlier study in this folder

    study = contents(given, words, comparisons, files)
    films = {file: out / "films" / file for file in dict.fromkeys(files.values())}
    write_page(out / "index.html", study, films=films if given.single_file else None)
    write_json(out / "study.json", record(given, study, clips, shots, files, hashes))
    size = sum(path.stat().st_size for path in films.values())
    asked = (given.trials or judged) + given.checks
    minutes = asked * (2 * sum(c.seconds for c in clips) / len(clips) + _SECONDS_TO_ANSWER) / 60
    print(
        f"study {study['study']}: {judged} comparisons of {len(systems)} systems on {len(clips)} "
        f"clips; each participant answers {asked}, in about {minutes:.0f} minutes"
    )
    made = f"{len(missing)} made, {len(films) - len(missing)} kept"
    print(f"{len(films)} films ({made}), {size / 1e6:.1f} MB")
    if given.consent is None:
        print("note: the consent text is a placeholder; give yours by --consent FILE")
    alone = ", which needs no other file" if given.single_file else f" and {out / 'films'}"
    print(f"wrote {out / 'index.html'}{alone}; {out / 'study.json'} is for you, not to be sent")
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add = parser.add_argument
    add(
        *("--motion", "-m"),
        nargs="+",
        action="extend",
        required=True,
        metavar="NAME=DIR",
        help="a system and the folder of its motion; twice or more for preference",
    )
    add("--audio", required=True, metavar="DIR", help="folder of the recordings")
    add("--out", required=True, metavar="DIR", help="folder to write the study to")
    add("--kind", choices=KINDS, default="preference", help="default: %(default)s")
    add("--names", nargs="+", default=[], metavar="CLIP", help="clips; all there are by default")
    add("--clips", type=int, metavar="N", help="so many of them, drawn at random; all by default")
    add(
        "--seconds",
        type=float,
        default=10.0,
        metavar="S",
        help="longest film, cut at its end; default: %(default)g",
    )
    add("--start", type=float, default=0.0, metavar="S", help="where in clips films begin")
    add(
        "--trials",
        type=int,
        metavar="N",
        help="comparisons of each participant, drawn at random; all by default",
    )
    add("--checks", type=int, default=2, metavar="N", help="attention checks; default: %(default)s")
    add("--seed", type=int, default=0, help="of all choices made here; default: %(default)s")
    add("--title", default="Movement and speech", help='of the page; default: "%(default)s"')
    add("--question", help="asked under the films, in place of the usual one")
    add("--consent", metavar="FILE", help="text to agree to, paragraphs apart by empty lines")
    add("--single-file", action="store_true", help="put the films into index.html itself")
    add("--width", type=int, default=640, metavar="PIXELS", help="default: %(default)s")
    add("--height", type=int, default=480, metavar="PIXELS", help="default: %(default)s")
    add("--fps", type=float, default=30.0, help="frames a second of films; default: %(default)g")


def _check(given: argparse.Namespace) -> None:
    for option, value, least in (
        ("--clips", given.clips, 1),
        ("--checks", given.checks, 0),
        ("--seconds", given.seconds, 1),
        ("--start", given.start, 0),
    ):
        if value is not None and not least <= value < float("inf"):
            raise UserError(f"{option} is {value:g}, but must be {least} or more")
    if not 1 <= given.fps <= 120:
        raise UserError(f"--fps is {given.fps:g}, but films have 1 to 120 frames a second")
    for option, pixels in (("--width", given.width), ("--height", given.height)):
        if pixels % 2 or not SMALLEST_PIXELS <= pixels <= LARGEST_PIXELS:
            raise UserError(
                f"{option} is {pixels}, but must be an even number from {SMALLEST_PIXELS} to "
                f"{LARGEST_PIXELS}"
            )
    page = Path(given.out) / "index.html"
    if page.exists() and not (page.parent / "study.json").exists():
        raise UserError(
            f"{page} is there and was not written by this program; name another folder by --out"
        )


def _words(given: argparse.Namespace) -> list[str]:
    """Returns the paragraphs of the text to agree to."""
    text = PLACEHOLDER_CONSENT
    if given.consent is not None:
        try:
            text = Path(given.consent).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise UserError(
                f"--consent {given.consent} cannot be read as UTF-8 text; check the file"
            ) from problem
    paragraphs = [" ".join(part.split()) for part in text.replace("\r", "").split("\n\n")]
    if not any(paragraphs):
        raise UserError(f"--consent {given.consent} is empty; write what people agree to")
    return [part for part in paragraphs if part]


def _measured(given: argparse.Namespace, systems: dict[str, Path]) -> tuple[list[Clip], list[Clip]]:
    """Returns the clips of the study, and all whose speech may be heard instead."""
    found = find_clips(Path(given.audio), systems, names=given.names)
    if given.clips is not None and given.clips > len(found):
        raise UserError(f"--clips is {given.clips}, but there are only {len(found)} clips")
    chosen = {clip.name for clip in found}
    if given.clips is not None:
        chosen = set(random.Random(f"clips {given.seed}").sample(sorted(chosen), given.clips))
    if given.kind == "preference":
        found = [clip for clip in found if clip.name in chosen]
    measured = []
    for clip in tqdm(found, desc="clips", unit="clip", disable=not sys.stderr.isatty()):
        known, notes = measure(clip, start_seconds=given.start, longest_seconds=given.seconds)
        measured.append(known)
        for note in notes:
            tqdm.write(f"note: {note}")
    return [clip for clip in measured if clip.name in chosen], measured


def _shots(
    given: argparse.Namespace,
    clips: Sequence[Clip],
    others: Sequence[Clip],
    comparisons: Sequence[Comparison],
) -> dict[Film, Shot]:
    by_name = {clip.name: clip for clip in (*others, *clips)}
    shots = {}
    for film in dict.fromkeys(film for each in comparisons for film in each.films):
        clip = by_name[film.clip]
        shots[film] = Shot(
            clip.motion[film.system],
            clip.audio,
            by_name[film.speech].audio,
            given.start,
            int(clip.seconds * given.fps + 1e-6),
            given.fps,
            given.width,
            given.height,
        )
    return shots
