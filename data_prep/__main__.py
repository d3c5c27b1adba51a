"""Turns a folder of recordings into records: `python -m data_prep --config configs/….yaml`."""

import argparse
import signal
import sys
from collections.abc import Sequence

from data_prep.pipeline import prepare
from data_prep.report import report
from llavataros_jax.config_file import load_config
from llavataros_jax.errors import door


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Prepares what the config names and prints a short table."""
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=__doc__)
    parser.add_argument("--config", required=True, help="YAML file, such as configs/demo.yaml")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="options that go before the file's, such as data.folder=recordings",
    )
    options = parser.parse_args(arguments)
    print(report(prepare(load_config(options.config, options.overrides))))
    return 0


if __name__ == "__main__":
    # An ordinary kill leaves like Ctrl-C: workers end, nothing half-written stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
