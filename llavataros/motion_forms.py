"""Forms of motion that `llavataros animate` writes when asked, beside its own."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llavataros import form_table
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.character import Character, read_character
from llavataros_jax.rig.onto import put_onto

ONTO_SUFFIX = ".glb"


# The others are written anyway.
FORMS = {name: form for name, form in form_table.FORMS.items() if name not in ("npy", "bvh")}


@dataclass(frozen=True)
class AskedForms:
    """What of it was asked for.

    Attributes:
        forms: Names of forms.
        character: Onto whom.
        replace_animations: Leave out what the character does by itself.
    """

    forms: tuple[str, ...]
    character: Character | None
    replace_animations: bool

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files."""
        onto = (ONTO_SUFFIX,) if self.character else ()
        return (*onto, *(FORMS[name].suffix for name in self.forms))

    def write(self, motion: Motion, place: Callable[[str], Path], name: str) -> tuple[str, ...]:
        """Writes a motion.

        Args:
            motion: What moves.
            place: Returns the file of a suffix.
            name: What the motion is called inside files that name it.

        Returns:
            What the user should know.

        Raises:
            UserError: When the character cannot move so.
        """
        notes: tuple[str, ...] = ()
        if self.character:
            notes = put_onto(
                motion,
                self.character,
                place(ONTO_SUFFIX),
                name=name,
                replace_animations=self.replace_animations,
            )
        for form in self.forms:
            notes += FORMS[form].write(place(FORMS[form].suffix), motion, name)
        return notes


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Adds the options that ask for them."""
    group = parser.add_argument_group("for other programs")
    group.add_argument(
        "--onto",
        metavar="CHARACTER",
        help="a .glb, .gltf or .vrm whose own skeleton shall move so; written as NAME.glb with all "
        "that the character has",
    )
    group.add_argument(
        "--character", metavar="NAME", help="which one, where the file of --onto has several"
    )
    group.add_argument(
        "--replace-animations",
        action="store_true",
        help="leave out the animations that the character comes with",
    )
    about = "; ".join(f"{name}, {form.about}" for name, form in FORMS.items())
    group.add_argument("--also", metavar="FORM,…", help=f"write these forms too: {about}")


def asked_forms(given: argparse.Namespace) -> AskedForms:
    """Reads what was asked for, and the character.

    Raises:
        UserError: When it contradicts itself, is not known, or the character cannot be used.
    """
    names = tuple(dict.fromkeys(name for name in (given.also or "").lower().split(",") if name))
    for name in names:
        if name not in FORMS:
            raise UserError(
                f"--also {name} is no form that is known; choose of {', '.join(FORMS)}, with "
                "commas between several"
            )
    for option in ("character", "replace_animations"):
        if getattr(given, option) and not given.onto:
            raise UserError(
                f"--{option.replace('_', '-')} is about the character of --onto; give both or "
                "neither"
            )
    clash = [name for name in names if FORMS[name].suffix == ONTO_SUFFIX]
    if given.onto and clash:
        raise UserError(
            f"--onto and --also {clash[0]} both write NAME{ONTO_SUFFIX}; leave one of them out"
        )
    character = read_character(given.onto, name=given.character) if given.onto else None
    return AskedForms(names, character, given.replace_animations)
