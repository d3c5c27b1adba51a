"""The commands of docs/cluster.md take options of ours, and flags that Beam knows."""

import importlib.util
import logging
import re
import shlex
from pathlib import Path

import pytest

from data_prep.__main__ import build_parser
from data_prep.run.beam_job import completed
from llavataros_jax.config.file import load_config

ROOT = Path(__file__).parents[3]


def recipes() -> list[list[str]]:
    """Returns the words of each preparation that the page tells to type."""
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    text = page.replace("configs/mine.yaml", "configs/own.yaml").replace("\\\n", " ")
    lines = [line.removesuffix("&") for line in text.splitlines()]
    return [
        shlex.split(line)[2:] for line in lines if re.match(r"llavataros prepare --config", line)
    ]


def test_recipes_are_found_and_take_options_of_ours() -> None:
    given = [build_parser().parse_args(words) for words in recipes()]
    assert len(given) == 5
    for options in given:
        load_config(ROOT / options.config, options.overrides)
    assert sum(options.beam is not None for options in given) == 4


@pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed"
)
def test_beam_knows_the_flags(caplog: pytest.LogCaptureFixture) -> None:
    from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
        PipelineOptions,
    )
    from apache_beam.runners.dask import dask_runner  # pyright: ignore[reportMissingImports]

    assert dask_runner.DaskOptions
    flags = [build_parser().parse_args(words).beam for words in recipes()]
    with caplog.at_level(logging.WARNING):
        for given in filter(None, flags):
            PipelineOptions(list(completed(given))).get_all_options(drop_default=True)
        assert "iscarding" not in caplog.text
        PipelineOptions(["--no_such_flag=1"]).get_all_options()
        assert "iscarding" in caplog.text, "else nothing would have been told"
