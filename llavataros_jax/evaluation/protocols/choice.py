"""The protocols by their names, each loaded when it is asked for."""

import importlib

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions

# Modules with a function `protocol(options)`, and what each is for.
PROTOCOLS = {
    "torso": "any upper body, with everything that we know how to measure",
    "genea": "GENEA Challenges 2022 and 2023, numerical evaluations",
    "genea2020": "GENEA Challenge 2020, 15 joints at 20 frames per second",
    "emage": "BEAT2 as EMAGE and its successors measure it",
    "rag": "BEAT2, all speakers, as RAG-Gesture measures it",
    "leaderboard": "the GENEA leaderboard on BEAT2, five samples",
    "genea2026": "GENEA Challenge 2026, upper body at 30 Hz, five samples",
}

# Files of the options that only some protocols read.
FILES = {
    "mean_speeds": ("emage", "rag", "leaderboard", "genea2026"),
    "segments": ("leaderboard",),
    "semantics": ("emage", "rag", "leaderboard"),
    "alignment": ("torso", "genea2020"),
}


def open_protocol(name: str, options: ProtocolOptions) -> Protocol:
    """Returns a protocol.

    Raises:
        UserError: When it is not known, has no use for a file of the options, or cannot read it.
    """
    if name not in PROTOCOLS:
        raise UserError(f"--protocol {name} is not known; there are {', '.join(PROTOCOLS)}")
    module = importlib.import_module(f"llavataros_jax.evaluation.protocols.{name}")
    own = {}
    for key, users in FILES.items():
        if name not in users and getattr(options, key):
            raise UserError(
                f"--{key.replace('_', '-')} {getattr(options, key)} has no use in the protocol "
                f"{name}; it is for {', '.join(users)}"
            )
        if name in users and key != "alignment":
            own[key] = getattr(options, key)
    return module.protocol(options, **own)
