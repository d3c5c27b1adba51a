"""Trains a gesture model: `python -m llavataros_jax.train --config configs/demo.yaml`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from llavataros_jax.compilation_cache import keep_compiled
from llavataros_jax.config import Config
from llavataros_jax.config.file import load_config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.data.segments import interlocutor_of, shortened, speech_of, words_of
from llavataros_jax.errors import UserError, door
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.model import Params
from llavataros_jax.network import build_model, with_pose_basis
from llavataros_jax.rendering.film import check_film_tools, write_film
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.training.checkpoint import trained_steps
from llavataros_jax.training.choices import choose
from llavataros_jax.training.determinism import require_determinism, without_effect
from llavataros_jax.training.hosts import join
from llavataros_jax.training.hosts_abort import TRY_AGAIN
from llavataros_jax.training.hosts_end import ending_together
from llavataros_jax.training.hosts_same import leaders_basis, require_same
from llavataros_jax.training.hosts_stop import Stopped
from llavataros_jax.training.loop import fit
from llavataros_jax.training.mirror import mirrored
from llavataros_jax.training.sharding import local_copy
from llavataros_jax.training.trainer import Sampler

EPILOG = """\
Any option of the config can be overridden, for example
  {prog} --config configs/demo.yaml training.steps=200 model.variant=text

The run directory (training.run) gets config.yaml, manifest.json, versions.json, log.jsonl,
tensorboard/, checkpoints/latest, checkpoints/best and samples/. The same command goes on from
the latest checkpoint, bit by bit. Ctrl-C or SIGTERM saves and leaves; a second one leaves at once.
It and the records may lie in a bucket (gs://bucket/run, s3://…; docs/storage.md).

On several hosts (parallel.distributed=auto, docs/hosts.md) whatever one of them gets stops all, at
the same step. They write RUN/logs/host_1.txt and so on.

Exit codes: 0 trained; 2 refused, with a sentence; 130 stopped by Ctrl-C; 75 stopped by SIGTERM and
saved, or another host was lost: the same command goes on. It is EX_TEMPFAIL of sysexits.h, "try
again", and not 143, which a program gives that SIGTERM has killed before it could save. Let the
scheduler start it again by this code (Slurm: RequeueExit=75 or scontrol requeue; Kubernetes:
podFailurePolicy with onExitCodes 75).
"""


PROGRAM = "python -m llavataros_jax.train"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and trains."""
    given = build_parser(prog).parse_args(arguments)
    if given.profile < 0:
        raise UserError(
            f"--profile is {given.profile}, but must be a number of calls of the step, or 0"
        )
    config = load_config(given.config, given.overrides)
    require_determinism(config.training)
    join(config.parallel)
    keep_compiled()
    try:
        with ending_together():
            with mirrored(config.training.run):
                run = _train(config, given.profile)
            if jax.process_index() == 0:
                where = config.training.run
                print(f"trained {trained_steps(run)} steps; everything is in {where}")
    except Stopped as stopped:
        if not stopped.by_scheduler:
            raise
        print(f"stopped by SIGTERM; the same command goes on (code {TRY_AGAIN})", file=sys.stderr)
        return TRY_AGAIN
    return 0


def _train(config: Config, profile_steps: int) -> Path:
    """Trains what `config` says; returns the run directory."""
    manifest = load_manifest(config.data.records)
    config, said = choose(config, manifest)
    if jax.process_index() == 0:
        for sentence in (*said, *without_effect(config.training)):
            print(sentence, flush=True)
    require_same(config, manifest)
    if jax.process_index() == 0:
        manifest = with_pose_basis(config, manifest)
    manifest = leaders_basis(manifest)
    sampler = _sampler(config, manifest)
    return fit(config, manifest, sampler=sampler, profile_steps=profile_steps)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train a gesture model on records that preparation has written.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", required=True, help="YAML file, such as configs/demo.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="options to change"
    )
    parser.add_argument(
        "--profile",
        type=int,
        default=0,
        metavar="N",
        help="trace N calls of the step, after the first few, to RUN/profile",
    )
    return parser


def _sampler(config: Config, manifest: Manifest) -> Sampler | None:
    """Returns what films the first held-out clip, beside the real motion, into RUN/samples.

    All hosts have one, because parameters that are cut among them are gathered; the first films.
    """
    clips = ClipReader(config.data.records, "validation")
    if not config.training.sample_every or not len(clips):
        return None
    film = None if jax.process_index() else _filming(config, manifest, clips)

    def sample(params: Params, step: int) -> None:
        whole = local_copy(params)
        if film is not None:
            film(whole, step)

    return sample


def _filming(config: Config, manifest: Manifest, clips: ClipReader) -> Sampler:
    """Returns what films the first of `clips` with parameters that are whole on this host."""
    check_film_tools()
    clip, fps = clips[0], manifest.fps
    frames = round(config.training.sample_seconds * fps)
    other = interlocutor_of(clip)
    speech = shortened(speech_of(clip), frames), other and shortened(other, frames)
    codec, speaker = manifest.pose_codec(), int(clip["speaker"])
    real = codec.decode(clip["pose"][:frames], fps, speaker)
    # One for all samples, because each would compile anew.
    dials = LiveDials.of(1, config.flow).of_head
    animator = Animator(build_model(config, manifest), {}, codec, dials=dials)

    def film(params: Params, step: int) -> None:
        animator.params = params
        poses = animator(*speech)
        write_film(
            run_folder(config.training.run) / "samples" / f"{step:08d}.mp4",
            codec.decode(poses, fps, speaker),
            second=real,
            facing_alike=True,
            words=words_of(clip),
            title=f"step {step}: predicted, real",
        )

    return film


if __name__ == "__main__":
    sys.exit(main())
