"""The door of evaluation: a table of a system, and the tools that make and check it."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from llavataros_jax.errors import door

PROGRAM = "llavataros evaluate"
# Tools beside the table, by the first word of the command line.
TOOLS = {
    "compare": "llavataros_jax.evaluate.compare",
    "fit-alignment": "llavataros_jax.evaluate.fit_alignment",
    "fit-embedding": "llavataros_jax.evaluate.fit_embedding",
    "embed": "llavataros_jax.evaluate.embed",
    "dice": "llavataros_jax.evaluate.dice",
    "positions": "llavataros_jax.evaluate.positions",
}


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Gives the command line to a tool that is named first, else makes a table."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in TOOLS:
        return importlib.import_module(TOOLS[words[0]]).main(words[1:], prog=f"{prog} {words[0]}")
    from llavataros_jax.evaluate import table

    return table.main(words, prog=prog)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line of the table, as the program `prog` has it."""
    from llavataros_jax.evaluate import table

    return table.build_parser(prog)


if __name__ == "__main__":
    sys.exit(main())
