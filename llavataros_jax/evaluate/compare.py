"""Several systems in one table, if they were measured alike."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.text_table import format_comparison

PROGRAM = "llavataros evaluate compare"
EPILOG = """\
  {prog} outputs/ours/metrics.json outputs/theirs/metrics.json

Tables of other protocols, versions, settings, clips, joints or rates are refused: their numbers do
not mean the same.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and prints the table."""
    given = build_parser(prog).parse_args(arguments)
    print(format_comparison([read_result(path) for path in given.metrics]))
    return 0


def read_result(path: Path) -> Result:
    """Reads a `metrics.json`.

    Raises:
        UserError: When it is missing, or something else.
    """
    path = path / "metrics.json" if path.is_dir() else path
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(tree, dict):
            raise TypeError(f"it holds a {type(tree).__name__}")
        return Result.from_json(tree)
    except OSError as problem:
        raise UserError(
            f"{path} cannot be read ({problem.strerror}); name a metrics.json, or its folder"
        ) from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UserError(
            f"{path} is no table of this program ({type(problem).__name__}: {problem}); measure "
            "again with llavataros evaluate"
        ) from problem


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "metrics", nargs="+", type=Path, metavar="FILE", help="metrics.json of each system"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
