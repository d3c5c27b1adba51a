"""The protocols by their names, each loaded when it is asked for."""

import importlib

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions

# Modules with a function `protocol(options)`, and what each is for.
PROTOCOLS = {
    "torso": "any upper body, with everything that we know how to measure",
    "genea": "GENEA Challenge 2020 to 2023, numerical evaluations",
    "emage": "BEAT2 as EMAGE and its successors measure it",
    "rag": "BEAT2, all speakers, as RAG-Gesture measures it",
    "leaderboard": "the GENEA leaderboard on BEAT2, five samples",
    "genea2026": "GENEA Challenge 2026, upper body at 30 Hz, five samples",
}


def open_protocol(name: str, options: ProtocolOptions) -> Protocol:
    """Returns a protocol.

    Raises:
        UserError: When it is not known, or a file of the options cannot be used.
    """
    if name not in PROTOCOLS:
        raise UserError(f"--protocol {name} is not known; there are {', '.join(PROTOCOLS)}")
    return importlib.import_module(f"llavataros_jax.evaluation.protocols.{name}").protocol(options)
