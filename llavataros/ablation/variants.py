"""What is compared: the paper's four variants, and one that hears neither words nor sound."""

from dataclasses import dataclass

from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class Variant:
    """One way to hear.

    Attributes:
        name: As it is asked for.
        says: What it hears, in a few words.
        overrides: Options of its training.
        words: It knows what is said.
        sound: It knows how it is said.
    """

    name: str
    says: str
    overrides: tuple[str, ...]
    words: bool
    sound: bool


VARIANTS = {
    variant.name: variant
    for variant in (
        # Words that are always hidden leave the speaker's name, who listens, and time itself.
        Variant("neither", "nothing", ("model.variant=text", "loss.drop_words=1.0"), False, False),
        Variant("text", "words", ("model.variant=text",), True, False),
        Variant("audio", "sound", ("model.variant=audio",), False, True),
        Variant("plus", "words and sound, side by side", ("model.variant=plus",), True, True),
        Variant("cross", "words and sound, attending", ("model.variant=cross",), True, True),
    )
}
# Options that tell variants and seeds apart. Networks are not validated as they train, because a
# choice among checkpoints by the held-out clips would flatter whoever varies most.
OURS = ("training.run", "training.seed", "training.validate_every", "model.variant")
COMMON = ("training.validate_every=0", "training.sample_every=0")


def read_variants(text: str) -> tuple[Variant, ...]:
    """Returns the variants of a list parted by commas, in the table's order.

    Raises:
        UserError: When one is unknown, named twice or there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not names:
        said = f"names {unknown[0]!r}, which is no variant" if unknown else "names no variant"
        raise UserError(f"--variants {text!r} {said}; there are {', '.join(VARIANTS)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"--variants {text!r} names {twice} twice; name each once")
    return tuple(variant for name, variant in VARIANTS.items() if name in names)


def check_overrides(overrides: list[str]) -> None:
    """Refuses options that the ablation sets itself.

    Raises:
        UserError: When one is given.
    """
    for override in overrides:
        name = override.partition("=")[0].strip().lstrip("-").replace("-", "_")
        if name in OURS:
            raise UserError(
                f"{override!r} is set by the ablation itself, for every variant and seed; leave "
                "it out (--variants and --seeds choose them, --out says where they go)"
            )
