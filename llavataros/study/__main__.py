"""`llavataros study`: `make` writes a page for people to judge motion, `analyse` reads answers."""

import argparse
import sys
from collections.abc import Sequence

from llavataros.study import analyse, make
from llavataros_jax.errors import door

PROGRAM = "llavataros study"
EPILOG = """\
  {prog} make --motion ours=outputs/ours theirs=outputs/theirs \
      --audio recordings --out study
  {prog} analyse answers/ --study study --out results

The page is a folder to put on any web server, or to open from disk; people send back the CSV that
it gives them at the end. The rest is told by:

  {prog} make --help
  {prog} analyse --help
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, then makes a study or analyses one."""
    given = build_parser(prog).parse_args(arguments)
    return given.work(given)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="A study in which people judge motion beside motion.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module, work, summary in (
        ("make", make, make.make, "films and the page that shows them"),
        ("analyse", analyse, analyse.analyse, "what people answered"),
    ):
        child = commands.add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION,
            epilog=module.EPILOG.format(prog=f"{prog} {name}"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(child)
        child.set_defaults(work=work)
    return parser


if __name__ == "__main__":
    sys.exit(main())
