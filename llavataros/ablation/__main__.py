"""Trains text, audio, both and neither with several seeds, and compares them with intervals."""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep.run.pipeline import CACHE_FOLDER
from llavataros.ablation.measurement import identity_of, read_measured
from llavataros.ablation.parts import Part, choose_parts, divide, share_stages
from llavataros.ablation.picture import draw_comparison
from llavataros.ablation.runs import Run, latest_step, plan_runs
from llavataros.ablation.table import compare, markdown, plain
from llavataros.ablation.variants import VARIANTS, Variant, check_overrides, read_variants
from llavataros.ablation.workers import Job, work
from llavataros_jax.atomic import write_json, write_text
from llavataros_jax.config.file import load_config
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.errors import UserError, door
from llavataros_jax.lock import sole_use
from llavataros_jax.rendering.plots import check_picture
from llavataros_jax.storage.place import local_folder
from llavataros_jax.training.run import versions

EPILOG = """\
Every variant is trained with seeds 1 to N, each network in a process and a folder of its own, and
measured on clips that it has not heard. The control `neither` is the variant text whose words are
always hidden. Finished networks are not trained again and an interrupted training goes on where it
was, so the same command finishes what was stopped, or adds variants and seeds.

  llavataros ablate --config demo
  llavataros ablate --config demo --seeds 8 --jobs 8

Where the config holds out few clips, as the bundled corpus does, every further seed holds out
another part of the takes (--parts), so that intervals are over all clips. On 2 CPU cores the first
line takes about a quarter of an hour; training.steps=400 halves it.

Written to --out: ablation.md (the table and what it says), ablation.json, ablation.png, and for
each network its run directory, what it printed (.log) and what was measured (.npz).
"""
PROGRAM = "llavataros ablate"
RESULT = "ablation.json"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, trains, measures and compares."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = build_parser(prog).parse_intermixed_args(words)
    variants, out = read_variants(given.variants), Path(given.out)
    for name in ("seeds", "jobs"):
        if getattr(given, name) < 1:
            raise UserError(f"--{name} is {getattr(given, name)}, but must be 1 or more")
    check_overrides(given.overrides)
    config = load_config(given.config, given.overrides)
    check_picture(out / "ablation.png")
    require_own(out)
    with sole_use(out, option="--out"):
        if not (out / RESULT).exists():
            write_json(out / RESULT, {"written_by": PROGRAM, "finished": False})
        records = local_folder(
            config.data.records, option="data.records", purpose="this program prepares into"
        )
        options = ["--config", given.config, *given.overrides]
        manifest = prepared(Part(records, ()), options)
        if not manifest.clips_of("validation"):
            raise UserError(
                f"records {records} have no held-out clip, so nothing can be compared; set "
                "data.holdout_takes or data.holdout_fraction"
            )
        count = choose_parts(manifest, given.parts)
        parts = divide(manifest, count, own=records, out=out)[: given.seeds]
        if count > 1:
            _tell_of_parts(parts, count, given.seeds)
        share_stages(parts, CACHE_FOLDER)
        manifests = [manifest, *(prepared(part, options) for part in parts[1:])]
        runs = plan_runs(
            *(variants, given.seeds, parts),
            config=given.config,
            overrides=given.overrides,
            out=out,
        )
        steps = train_and_measure(runs, jobs=given.jobs)
        again = f"{prog} {shlex.join(words)}"
        held_out = _held_out(given.seeds, manifests)
        comparison = compare(
            _read(runs, variants),
            held_out,
            speakers=len({clip.speaker for clip in manifest.clips_of("train")}),
            settings={"command": again, "config": given.config, "steps": steps, **versions()},
        )
        write_text(out / "ablation.md", markdown(comparison))
        draw_comparison(out / "ablation.png", comparison)
        done = {"written_by": PROGRAM, "finished": True, **plain(comparison)}
        write_json(out / RESULT, done)
    print(f"\n{markdown(comparison)}")
    print("wrote " + ", ".join(str(out / name) for name in ("ablation.md", RESULT, "ablation.png")))
    return 0


def require_own(out: Path) -> None:
    """Refuses a folder that holds what others have written.

    Raises:
        UserError: When it does, naming a file, or it is no folder.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    others = sorted(path.name for path in out.glob("*") if not path.name.startswith("."))
    if not others:
        return
    try:
        tree = json.loads((out / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        tree = None
    if not isinstance(tree, dict) or tree.get("written_by") != PROGRAM:
        raise UserError(
            f"--out {out} holds files that {PROGRAM} did not write, such as {others[0]}; choose "
            "another --out"
        )


def prepared(part: Part, options: Sequence[str]) -> Manifest:
    """Prepares a part's records, of which whatever is there already is kept.

    Records whose recordings are not there are taken as they are.

    Raises:
        UserError: When there are neither records nor recordings, or preparation fails.
    """
    overrides = [*options[2:], *part.overrides]
    folder = Path(load_config(options[1], overrides).data.folder)
    if not folder.is_dir():
        if not (part.records / "manifest.json").is_file():
            raise UserError(
                f"there are neither records in data.records={part.records} nor recordings in "
                f"data.folder={folder} to prepare them from; name one of them"
            )
        print(f"data.folder={folder} is not there, so the records in {part.records} are as found")
        return load_manifest(part.records)
    print(f"== Prepare {part.records}", flush=True)
    command = ("prepare", *options[:2], *overrides)
    if subprocess.run([sys.executable, "-m", "llavataros", *command]).returncode:
        raise UserError(f"{part.records} could not be prepared, for the reason given above")
    return load_manifest(part.records)


def train_and_measure(runs: Sequence[Run], *, jobs: int) -> int:
    """Trains and measures whatever is not, and returns the steps of each network.

    Raises:
        UserError: When a folder belongs to something else, or a process fails.
    """
    waiting, steps = [], 0
    for run in runs:
        steps = run.config()[0].training.steps
        train = ("-m", "llavataros_jax.train", *run.options)
        measure = ("-m", "llavataros.ablation.measurement", str(run.folder), str(run.measured))
        is_trained = run.state() == "finished"
        if is_trained and is_measured(run):
            continue
        commands = (measure,) if is_trained else (train, measure)
        left = 0 if is_trained else steps - latest_step(run.folder)
        # What comes beside the steps, compiling and measuring, takes as long as a fifth of them.
        waiting.append(Job(run.name, commands, run.log, left + max(steps // 5, 1)))
    kept = len(runs) - len(waiting)
    print(
        f"== Train and measure {len(waiting)} networks of {steps} steps, {jobs} at a time"
        + (f"; {kept} are done already" if kept else ""),
        flush=True,
    )
    work(waiting, at_once=jobs, say=lambda line: print(line, flush=True))
    return steps


def is_measured(run: Run) -> bool:
    """Says whether a trained network's measures are there and of it."""
    content = load_manifest(run.folder).content_hash
    expected = identity_of(f"latest/{latest_step(run.folder)}", content)
    return read_measured(run.measured)[0] == expected


def _read(runs: Sequence[Run], variants: Sequence[Variant]) -> dict[str, dict[int, Any]]:
    measured: dict[str, dict[int, Any]] = {variant.name: {} for variant in variants}
    for run in runs:
        measured[run.variant.name][run.seed] = read_measured(run.measured)[1]
    return measured


def _held_out(seeds: int, manifests: Sequence[Manifest]) -> dict[int, tuple[str, ...]]:
    names = [tuple(clip.name for clip in m.clips_of("validation")) for m in manifests]
    return {seed: names[(seed - 1) % len(names)] for seed in range(1, seeds + 1)}


def _tell_of_parts(parts: Sequence[Part], count: int, seeds: int) -> None:
    rest = ""
    if seeds < count:
        rest = f", {len(parts)} of them with --seeds {seeds}; --seeds {count} holds out every take"
    print(
        f"the config holds out few clips, so each seed holds out another of {count} parts of the "
        f"takes{rest} (--parts 1 holds out the same for all)",
        flush=True,
    )


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default="demo", help="default: %(default)s")
    parser.add_argument(
        "--variants",
        default=",".join(VARIANTS),
        metavar="LIST",
        help="parted by commas; default: %(default)s",
    )
    parser.add_argument(
        "--seeds", type=int, default=2, metavar="N", help="networks of each; default: %(default)s"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="processes at once; default: %(default)s"
    )
    parser.add_argument(
        "--parts",
        type=int,
        metavar="N",
        help="hold out the takes in so many parts, seed by seed; default: 4 where the config holds "
        "out fewer than 8 clips, else 1, which is what the config says",
    )
    parser.add_argument(
        "--out", default="outputs/ablation", metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="options to change"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
