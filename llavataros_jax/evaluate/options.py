"""What every table can be asked for, and what repeats it."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols.choice import PROTOCOLS
from llavataros_jax.trained import TrainedRun
from llavataros_jax.training.run import versions


def protocol_options(given: argparse.Namespace) -> ProtocolOptions:
    """Returns the files and switches of a protocol from a command line."""
    return ProtocolOptions(
        embedding=given.embedding,
        alignment=given.alignment,
        quirks=not given.corrected,
        mean_speeds=given.mean_speeds,
        segments=given.segments,
        semantics=given.semantics,
    )


def add_protocol_options(group: argparse._ArgumentGroup) -> None:
    """Adds what every table of numbers can be asked for."""
    group.add_argument(
        "--protocol",
        choices=tuple(PROTOCOLS),
        default="torso",
        metavar="NAME",
        help="%(choices)s (default: %(default)s)",
    )
    files = {
        "--embedding": "of fit-embedding, or a GENEA checkpoint, for FGD",
        "--alignment": "of fit-alignment, for the share of motion that prefers its own speech",
        "--mean-speeds": "mean speeds of the joints, for emage, rag, leaderboard and genea2026",
        "--segments": "the leaderboard's segments, .csv",
        "--semantics": "BEAT2's semantic scores, for SRGR of emage, rag and leaderboard",
    }
    for name, what in files.items():
        group.add_argument(name, type=Path, metavar="FILE", help=what)
    group.add_argument(
        "--corrected",
        action="store_true",
        help="without the mistakes of a protocol's reference code, which published numbers have",
    )
    group.add_argument("--resamples", type=int, metavar="N", help="draws of the bootstrap")
    group.add_argument(
        "--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)"
    )


def settings_of(given: argparse.Namespace, run: TrainedRun | None, prog: str) -> dict[str, Any]:
    """Returns what repeats an evaluation."""
    options = {k: v for k, v in vars(given).items() if v not in (None, False, [])}
    words = [
        part
        for key, value in options.items()
        if key != "overrides"
        for part in (
            f"--{key.replace('_', '-')}",
            *([] if value is True else map(str, value if isinstance(value, list) else [value])),
        )
    ]
    settings: dict[str, Any] = {
        "command": shlex.join([*prog.split(), *words, *given.overrides]),
        "seed": given.seed,
        "versions": versions(),
    }
    if run is not None:
        settings |= {"checkpoint": run.checkpoint, "data_hash": run.manifest.content_hash}
    return settings
