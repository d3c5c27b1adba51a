"""Goes the whole way on the bundled corpus, from preparation to films; last, your own voice."""

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from data_prep.words.timed_files import read_timed_words
from llavataros_jax.config.file import load_config
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.statistics import hand_joints, speed
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.resampling import resample
from llavataros_jax.rendering.plots import plot_losses, plot_speech
from llavataros_jax.sound.beats import audio_beats
from llavataros_jax.sound.reader import read_mono

EPILOG = """\
Every command is printed as you would type it. Records and training that are finished are not done
again, and an interrupted training goes on where it was. `make clean` removes what was written.
"""
PICTURE_SECONDS = 9.0


PROGRAM = "llavataros demo"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and runs the steps one after another."""
    given = build_parser(prog).parse_intermixed_args(arguments)
    began = time.monotonic()
    name = given.config or ("tiny" if given.short else "demo")
    config = load_config(name, given.overrides)
    run = config.training.run
    out = Path(given.out or f"outputs/{'tiny' if given.short else 'demo'}")
    audio = Path(config.data.folder) / f"{given.clip}.flac"
    if not audio.is_file():
        raise UserError(f"{audio} does not exist; name a clip of {config.data.folder} with --clip")
    words = audio.with_suffix(".json")
    options = ["--config", name, *given.overrides]

    _run("Prepare: sound, words and motion become records", "prepare", *options)
    _run("Train", "train", *options)
    _run(
        f"Animate {given.clip}, which training has not heard",
        *("animate", "--checkpoint", run, "--audio", str(audio), "--words", str(words)),
        *("--speaker", given.clip.split("_")[0], "--out", str(out)),
    )
    _run(
        "Measure the held-out clips and film them beside the real motion",
        *("evaluate", "--run", run, "--out", str(out), "--films"),
    )
    voice = out / f"your_voice{audio.suffix}"
    shutil.copyfile(audio, voice)
    _run(
        "Your own voice: a recording alone, moved by the model that comes along",
        *("animate", str(voice), "--out", str(out)),
    )
    print("\n== Draw the pictures")
    log = Path(run) / "log.jsonl"
    pictures = [out / "losses.png", out / f"{given.clip}_speech.png"]
    plot_losses(pictures[0], log)
    _picture_speech(pictures[1], audio, words, generated=out / f"{given.clip}.npy")

    files = [
        *(
            (out / given.clip).with_suffix(suffix)
            for suffix in (".npy", ".bvh", config.film.suffix)
        ),
        *sorted(out.glob(f"*_beside_real{config.film.suffix}")),
        *pictures,
        out / "report.html",
        voice.with_suffix(config.film.suffix),
    ]
    print(f"\nThe whole way took {time.monotonic() - began:.0f} s. Look at")
    for path in files:
        print(f"  {path}")
    print("\nNow with a recording of your own: llavataros animate speech.m4a")
    return 0


def _run(title: str, *command: str) -> None:
    """Prints and runs a step; the demo ends with the code of one that fails."""
    print(f"\n== {title}\n$ llavataros {shlex.join(command)}", flush=True)
    # A process each, as a user would run it, so that none inherits another's memory.
    code = subprocess.run([sys.executable, "-m", "llavataros", *command]).returncode
    if code:
        sys.exit(code)


def _picture_speech(path: Path, audio: Path, words: Path, *, generated: Path) -> None:
    """Draws the first seconds of the speech above the wrists of the generated and real motion."""
    samples = read_mono(audio, 16000)
    seconds = len(samples) / 16000
    motion = read_npy(generated, audio_seconds=seconds)
    real = read_npy(audio.with_suffix(".npz"), audio_seconds=seconds)
    plot_speech(
        path,
        samples,
        sample_rate=16000,
        words=[
            (word.text, word.start_seconds, word.end_seconds)
            for word in read_timed_words(words, seconds)
        ],
        beats_seconds=audio_beats(audio),
        wrist_speeds=_wrist_speeds(motion),
        real_wrist_speeds=_wrist_speeds(resample(real, motion.fps)),
        fps=motion.fps,
        stop_seconds=PICTURE_SECONDS,
    )


def _wrist_speeds(motion: Motion):
    return {
        side: speed(motion.positions[:, joint], motion.fps)
        for side, joint in hand_joints(motion.skeleton).items()
    }


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="From speech to film on the bundled corpus, without any download.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", help="default: demo, or tiny with --short")
    parser.add_argument(
        "--short",
        action="store_true",
        help="a network of 7,000 parameters and 12 steps: the way, not the quality",
    )
    parser.add_argument("--clip", default="ada_4", help="held-out clip (default: %(default)s)")
    parser.add_argument("--out", help="default: outputs/demo, or outputs/tiny with --short")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="options to change"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
