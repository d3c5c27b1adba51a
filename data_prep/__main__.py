"""Turns a folder of recordings into records: `python -m data_prep --config configs/….yaml`."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep.run import prune
from data_prep.run.beam import beam_runner
from data_prep.run.pipeline import CACHE_FOLDER, prepare
from data_prep.run.report import report
from data_prep.run.workers import run_all
from llavataros_jax.config.file import load_config
from llavataros_jax.errors import door
from llavataros_jax.storage.place import local_folder

PROGRAM = "python -m data_prep"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Prepares what the config names and prints a short table."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == ["doctor"]:
        from data_prep.doctor.checkup import main as doctor

        return doctor(arguments[1:])
    options = build_parser(prog).parse_args(arguments)
    config = load_config(options.config, options.overrides)
    local_folder(config.data.records, option="data.records", purpose="preparation writes to")
    if options.prune:
        print(prune.report(prune.prune(config), Path(config.data.records)))
        return 0
    run = run_all
    if options.beam is not None:
        run = beam_runner(options.beam, Path(config.data.records) / CACHE_FOLDER)
    print(report(prepare(config, run=run)))
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Turn a folder of recordings into records.",
        epilog="python -m data_prep doctor [--config FILE]: what is installed, which weights are "
        "where, and how long each stage takes here",
    )
    parser.add_argument("--config", required=True, help="YAML file, such as configs/demo.yaml")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="options that go before the file's, such as data.folder=recordings",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="prepare nothing, but remove the kept results that no clip of the config uses",
    )
    parser.add_argument(
        "--beam",
        nargs=argparse.REMAINDER,
        metavar="--flag",
        help="run the stages on Apache Beam; what follows are its flags, such as "
        "--runner=DaskRunner --dask_client_address=tcp://host:8786 (none: this machine)",
    )
    return parser


if __name__ == "__main__":
    # An ordinary kill leaves like Ctrl-C: workers end, nothing half-written stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
