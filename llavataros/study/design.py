"""What a study compares: pairs of films on the same clip, in an order that nobody sees."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from llavataros.study.answers import LEFT, RIGHT
from llavataros.study.clips import Clip
from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class Film:
    """A system's motion of a clip, heard with the speech of that clip or of another."""

    system: str
    clip: str
    speech: str


@dataclass(frozen=True)
class Comparison:
    """Two films to choose between; an attention check asks for an answer by words over them.

    Attributes:
        films: The two, whose sides the page draws for each participant.
        attention: The answer that an attention check asks for, else empty.
    """

    films: tuple[Film, Film]
    attention: str = ""


def preference(systems: Sequence[str], clips: Sequence[Clip]) -> list[Comparison]:
    """Compares every pair of systems on every clip.

    Raises:
        UserError: There are fewer than two systems.
    """
    if len(systems) < 2:
        raise UserError(
            "--kind preference compares systems with each other, and --motion names only "
            f"{', '.join(systems)}; name two or more, or ask for --kind matching"
        )
    return [
        Comparison((Film(first, clip.name, clip.name), Film(second, clip.name, clip.name)))
        for clip in clips
        for first, second in combinations(systems, 2)
    ]


def matching(
    systems: Sequence[str], clips: Sequence[Clip], others: Sequence[Clip], *, seed: int
) -> list[Comparison]:
    """Shows each motion with its own speech and with that of another recording, which is cut.

    The other recording is the same for all systems, so that they are asked alike, and each is used
    about as often as any other.

    Args:
        systems: Names of the systems.
        clips: Clips of the study.
        others: Clips whose speech may be heard instead.
        seed: Of the choice.

    Raises:
        UserError: No other recording is long enough.
    """
    dice = random.Random(f"mismatched {seed}")
    used = {other.name: 0 for other in others}
    found = []
    for clip in clips:
        long_enough = [
            other.name
            for other in others
            if other.name != clip.name and other.audio_seconds >= clip.seconds - 1e-6
        ]
        if not long_enough:
            raise UserError(
                f"{clip.audio}: no other clip's recording lasts the {clip.seconds:.2f} s of "
                f"{clip.name}, so there is no speech to mismatch it with; add clips, or shorten "
                "the films by --seconds"
            )
        speech = min(long_enough, key=lambda name: (used[name], dice.random()))
        used[speech] += 1
        found += [
            Comparison((Film(system, clip.name, clip.name), Film(system, clip.name, speech)))
            for system in systems
        ]
    return found


def with_attention(
    comparisons: Sequence[Comparison], *, checks: int, seed: int
) -> list[Comparison]:
    """Adds attention checks: comparisons again, with the answer written over the films.

    Raises:
        UserError: More are asked for than there are comparisons.
    """
    if checks > len(comparisons):
        raise UserError(
            f"--checks {checks} is more than the {len(comparisons)} comparisons of this study; ask "
            "for fewer checks, or give more clips"
        )
    dice = random.Random(f"attention {seed}")
    sides = [LEFT, RIGHT] if dice.random() < 0.5 else [RIGHT, LEFT]
    chosen = dice.sample(list(comparisons), checks)
    return [
        *comparisons,
        *(Comparison(each.films, sides[number % 2]) for number, each in enumerate(chosen)),
    ]
