"""Trains a gesture model: `python -m llavataros_jax.train --config configs/demo.yaml`."""

import argparse
import sys
from collections.abc import Sequence

import jax

from llavataros_jax.config import load_config
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.errors import UserError, door
from llavataros_jax.training.loop import fit

EPILOG = """\
Any option of the config can be overridden, for example
  python -m llavataros_jax.train --config configs/demo.yaml training.steps=200 model.variant=text

The run directory (training.run) gets config.yaml, manifest.json, versions.json, log.jsonl,
tensorboard/, checkpoints/latest, checkpoints/best and samples/. The same command goes on from
the latest checkpoint, bit by bit. Ctrl-C or SIGTERM saves and leaves; a second one leaves at once.
"""


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(
        prog="python -m llavataros_jax.train",
        description="Train a gesture model on records that python -m data_prep has written.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", required=True, help="YAML file, such as configs/demo.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="options to change"
    )
    given = parser.parse_args(arguments)
    config = load_config(given.config, given.overrides)
    if config.parallel.distributed == "auto":
        try:
            jax.distributed.initialize()
        except (ValueError, RuntimeError) as problem:
            raise UserError(
                f"parallel.distributed=auto found no cluster to join ({problem}); set it to off "
                "on one host"
            ) from problem
    manifest = load_manifest(config.data.records)
    run = fit(config, manifest)
    if jax.process_index() == 0:
        print(f"trained {config.training.steps} steps; everything is in {run}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
