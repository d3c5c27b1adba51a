"""Draws where one head of a trained run looks: every frame of a segment at memory and segment."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.identity import difference
from llavataros_jax.data.segments import speech_of, words_of
from llavataros_jax.errors import UserError, door
from llavataros_jax.inference.attention_shares import attention_shares, head_entropies, run_to
from llavataros_jax.rendering.attention_map import draw
from llavataros_jax.rendering.plots import check_picture
from llavataros_jax.trained import open_trained

EPILOG = """\
The network is left alone: its memory before a segment and after it holds what a self block reads,
and from that the shares are computed again (docs/mathematics.md, "Attention").

  llavataros attention --checkpoint runs/demo --out docs/attention.png
"""


PROGRAM = "llavataros attention"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and draws."""
    given = build_parser(prog).parse_args(arguments)
    check_picture(Path(given.out))
    run = open_trained(given.checkpoint)
    model, params = run.animator.model, run.animator.params
    config = model.config
    require_within("--block", given.block, config.self_blocks)
    if given.head is not None:
        require_within("--head", given.head, config.heads)
    reader = ClipReader(given.records or run.config.data.records, "validation")
    if differing := difference(run.manifest, reader.manifest):
        raise UserError(
            f"these records are not those of the run ({differing}); name the right ones by "
            "--records"
        )
    if not len(reader):
        raise UserError("these records have no held-out clip to draw")
    clip, name = reader[0], reader.clips[0].name
    main_speech = speech_of(clip)
    require_within("--segment", given.segment, len(main_speech.word_index) // config.segment_frames)
    before, after = run_to(model, params, main_speech, given.segment)
    shares, _ = attention_shares(model, params, before, after, block=given.block)
    # The most decided head, by the mean entropy of its frames, unless one is asked for.
    entropy = head_entropies(shares)
    head = int(entropy.argmin()) if given.head is None else given.head
    title = f"{name}: block {given.block}, head {head}"
    draw(
        Path(given.out),
        shares[0, head],
        first_seconds=given.segment * config.segment_frames / run.manifest.fps,
        fps=run.manifest.fps,
        words=words_of(clip),
        title=title,
    )
    print(f"{title}, {entropy[head]:.2f} nats of entropy a frame")
    print(f"wrote {given.out}")
    return 0


def require_within(option: str, given: int, count: int) -> None:
    """Refuses a number that counts none of the things there are.

    Raises:
        UserError: When it is not from 0 to `count` - 1.
    """
    if not 0 <= given < count:
        thing = option.removeprefix("--")
        among = {0: f"there is no {thing} to draw", 1: f"{option} {given} is not 0, the only one"}
        raise UserError(among.get(count, f"{option} {given} is not among 0 to {count - 1}"))


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Draw where one head of a self block looks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, metavar="RUN", help="run directory")
    parser.add_argument("--out", required=True, metavar="PNG", help="picture to write")
    parser.add_argument("--records", metavar="DIR", help="records, if not where the run had them")
    parser.add_argument("--segment", type=int, default=2, metavar="N", help="segment of the clip")
    parser.add_argument("--block", type=int, default=0, metavar="N", help="self block")
    parser.add_argument("--head", type=int, metavar="N", help="head; the most decided by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
