"""The cost of training as the README of the seed project reckoned it, and what is wrong with it.

Its assumptions are facts about the paper's data or round numbers of its own:
https://github.com/santuario/llavataros, README.md, steps 3.1 to 3.6.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SeedAssumptions:
    """What the README assumes; the rest follows."""

    hours: float = 25.0
    fps: int = 60
    segment_frames: int = 512
    lanes: int = 16
    epochs: int = 1300
    parameters: float = 50e6
    forward_flop: float = 10e12
    passes: float = 2.0
    steps_per_epoch: int = 660
    peak_flop_per_second: float = 125e12
    whisper_hours: float = 1.25
    llama_hours: float = 6.25
    overhead: float = 1.25


# LLaMA 2 7B, and English at 150 words a minute of 1.35 sub-tokens, each read once.
_LLAMA_PARAMETERS = 6.74e9
_TOKENS_PER_HOUR = 150 * 60 * 1.35


@dataclass(frozen=True)
class SeedTable:
    """The README's numbers, from its assumptions, and the same ones put right.

    Attributes:
        frames: Of its data.
        training_flop: Of all epochs.
        whisper_flop: Of transcription.
        llama_flop: Of word vectors.
        hours: On its V100.
    """

    frames: float
    training_flop: float
    whisper_flop: float
    llama_flop: float
    hours: float

    @property
    def total_flop(self) -> float:
        """All together."""
        return self.training_flop + self.whisper_flop + self.llama_flop


def as_published(given: SeedAssumptions) -> SeedTable:
    """Reckons as the README does."""
    whisper, llama = (
        hours * 3600 * given.peak_flop_per_second
        for hours in (given.whisper_hours, given.llama_hours)
    )
    training = given.steps_per_epoch * given.epochs * given.passes * given.forward_flop
    hours = (training + whisper + llama) / given.peak_flop_per_second / 3600
    frames = given.hours * 3600 * given.fps
    return SeedTable(frames, training, whisper, llama, hours * given.overhead)


def put_right(given: SeedAssumptions, *, utilisation: float) -> SeedTable:
    """Reckons with the same data and network: 2 FLOP a parameter and frame, three passes.

    Transcription stays in hours, since it was one: hours times a peak are no FLOP.
    """
    frames = given.hours * 3600 * given.fps
    step = 3 * 2 * given.parameters * given.segment_frames * given.lanes
    training = given.steps_per_epoch * given.epochs * step
    llama = 2 * _LLAMA_PARAMETERS * _TOKENS_PER_HOUR * given.hours
    pace = utilisation * given.peak_flop_per_second * 3600
    hours = (training + llama) / pace + given.whisper_hours
    return SeedTable(frames, training, 0.0, llama, hours)


def lines_of_seed_table(utilisation: float) -> Iterator[str]:
    """Yields the table and its errors as text."""
    given = SeedAssumptions()
    theirs, right = as_published(given), put_right(given, utilisation=utilisation)
    batch_frames = given.segment_frames * given.lanes
    forward = 2 * given.parameters * batch_frames
    one = forward / given.lanes
    percent = f"{100 * utilisation:.0f} %"
    yield "The seed README's training: 1300 epochs of 25 h at 60 fps, 50 M parameters, one V100"
    yield f"  {'TFLOP':<44}{'as published':>16}{'put right':>16}"
    for name, first, second in (
        ("forward, a step of 16 × 512 frames", given.forward_flop, forward),
        ("training", theirs.training_flop, right.training_flop),
        ("transcription by Whisper", theirs.whisper_flop, None),
        ("word vectors by LLaMA 2 7B", theirs.llama_flop, right.llama_flop),
    ):
        told = f"{'(1.25 h)':>16}" if second is None else f"{second / 1e12:>16,.1f}"
        yield f"  {name:<44}{first / 1e12:>16,.1f}{told}"
    yield f"  {'hours on a V100 at 125 TFLOP/s':<44}{theirs.hours:>16,.1f}{right.hours:>16,.1f}"
    yield f"  {'  of which it is assumed to reach':<44}{'100 %':>16}{percent:>16}"
    yield ""
    yield (
        f"  1. 10 TFLOP for a segment: 2 × 50 M × 512 frames are {one / 1e12:.3f}, "
        f"{given.forward_flop / one:.0f} times less; for the"
    )
    yield (
        f"     batch of 16 that it is used for, {forward / 1e12:.2f}, "
        f"{given.forward_flop / forward:.0f} times less."
    )
    yield "  2. Backward costs twice the forward pass, so a step is three passes, not two."
    yield "  3. Hours of Whisper and LLaMA times the card's peak are no FLOP of theirs. LLaMA reads"
    yield (
        f"     {_TOKENS_PER_HOUR * given.hours / 1e6:.1f} M tokens once: "
        f"{theirs.llama_flop / right.llama_flop:.0f} times less."
    )
    yield "  4. No step reaches all of a peak, and 25 % of overhead is not enough: this errs the"
    yield "     other way."
    yield "  5. The network has 87 M parameters, not 50 M, and GENEA 2023 about 18 h at 30 fps: see"
    yield "     llavataros estimate llanimation_plus"
