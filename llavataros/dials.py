"""What turns an animation without training anew: dials, and which samples are drawn."""

import argparse
from dataclasses import dataclass

from llavataros_jax.config.flow import MOST_STEPS
from llavataros_jax.errors import UserError
from llavataros_jax.inference.dials import MOST_SEED
from llavataros_jax.run_options import MOST_SAMPLES, require_sampled
from llavataros_jax.trained import TrainedRun


@dataclass(frozen=True)
class Dial:
    """An option of the config that has one of the command line too.

    Attributes:
        section: Its section of the config, where it is called as on the command line.
        least: The smallest value.
        most: The largest value.
        neutral: Which value does what, said where one is refused.
        help: What it does.
        kind: Of number.
    """

    section: str
    least: float
    most: float
    neutral: str
    help: str
    kind: type = float


DIALS = {
    "expressiveness": Dial(
        *("film", 0, 3, "1 leaves movements as they are predicted"),
        help="how far joints go from the resting pose: 0 rests, 1 is as predicted, 1.5 turns them "
        "half as far again and 3 is the most; joints stay within what people's do",
    ),
    "idle": Dial(
        *("film", 0, 1, "0 leaves movements as they are predicted"),
        help="how still the body is while it says nothing: 0 is as predicted, 1 lets hands settle "
        "within half a second and hold until speech goes on",
    ),
    "temperature": Dial(
        *("flow", 0, 3, "0 is near the mean and 1 as trained"),
        help="how far samples go from the mean: 0 is near it and the same for all seeds, 1 is as "
        "trained, 3 the most",
    ),
    "guidance": Dial(
        *("flow", 0, 10, "1 is as trained"),
        help="how much more samples follow the speech: 0 does not, 1 is as trained, 10 the most",
    ),
    "steps": Dial(
        *("flow", 1, MOST_STEPS, "2 are mostly enough"),
        help="steps from noise to a pose, each of which costs as much again",
        kind=int,
    ),
}


def add_dials(parser: argparse.ArgumentParser) -> None:
    """Adds the dials, and those of samples in a group of their own."""
    samples = parser.add_argument_group("samples", "of runs trained with model.head=flow")
    whole = {"type": int, "metavar": "N"}
    samples.add_argument("--seed", help="which sample is drawn (default: 0)", **whole)
    samples.add_argument(
        "--samples",
        default=1,
        help="how many, with the seeds from --seed on, as NAME_1, NAME_2, … (default: %(default)s)",
        **whole,
    )
    for name, dial in DIALS.items():
        group = samples if dial.section == "flow" else parser
        metavar = "N" if dial.kind is int else "X"
        group.add_argument(f"--{name}", type=dial.kind, metavar=metavar, help=dial.help)


def dial_overrides(given: argparse.Namespace) -> list[str]:
    """Returns the options of the config that the dials stand for.

    Raises:
        UserError: When a dial is out of its range.
    """
    overrides = []
    for name, dial in DIALS.items():
        value = getattr(given, name)
        if value is None:
            continue
        if not dial.least <= value <= dial.most:
            number = "whole number" if dial.kind is int else "number"
            raise UserError(
                f"--{name} {value:g} is not a {number} from {dial.least} to {dial.most}; "
                f"{dial.neutral}"
            )
        overrides.append(f"{dial.section}.{name}={value:g}")
    return overrides


def seeds_of(given: argparse.Namespace) -> range:
    """Returns the seed of each sample that is asked for.

    Raises:
        UserError: When there are too many or none, or a seed is no unsigned number of 32 bits.
    """
    first = given.seed or 0
    if not 1 <= given.samples <= MOST_SAMPLES:
        raise UserError(
            f"--samples {given.samples} is not a whole number from 1 to {MOST_SAMPLES}; more are "
            "drawn by asking again with another --seed"
        )
    if not 0 <= first <= MOST_SEED + 1 - given.samples:
        raise UserError(
            f"--seed {first} is not a whole number from 0 to {MOST_SEED + 1 - given.samples}, "
            f"which leaves seeds for --samples {given.samples}"
        )
    return range(first, first + given.samples)


def check_sampled(given: argparse.Namespace, run: TrainedRun, name: str) -> None:
    """Refuses what sets how samples are drawn where a run draws none.

    Args:
        given: The command line.
        run: The run.
        name: What the run is called.

    Raises:
        UserError: When the run has no sampled head.
    """
    dials = [n for n, dial in DIALS.items() if dial.section == "flow"]
    options = [f"--{n}" for n in (*dials, "seed") if getattr(given, n) is not None]
    options += ["--samples"] if given.samples > 1 else []
    require_sampled(run, options, name=name)
