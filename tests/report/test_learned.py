"""What a run shows of itself in the page."""

import re

import jax
import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.network import build_model
from llavataros_jax.report.learned import attention, losses
from llavataros_jax.trained import open_trained
from llavataros_jax.training.exported import write_exported
from tests.training.records import toy_config, write_records


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    manifest = write_records(folder / "records")
    config = toy_config(folder / "records", folder / "run")
    model = build_model(config, manifest)
    draw = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: draw.standard_normal(x.shape).astype(np.float32),
        jax.eval_shape(model.init, jax.random.key(0)),
    )
    write_exported(folder / "light", config, manifest, params, checkpoint="best/7")
    return open_trained(folder / "light"), ClipReader(folder / "records", "validation")


@pytest.mark.slow
def test_attention_is_drawn_for_the_clip_that_is_shown(toy):
    run, reader = toy
    markup = attention(run, reader, "validation_1")
    assert markup.count("<svg") == 1
    assert re.search(r"Clip validation_1, self block 0, head [01], the most decided", markup)


def test_a_clip_that_the_records_lack_is_named(toy):
    run, reader = toy
    assert attention(run, reader, "else<b>") == (
        '<p class="absent">Attention: the records have no clip else&lt;b&gt;</p>'
    )


def test_a_log_without_losses_is_named(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    assert "no line has train/loss" in losses(tmp_path / "log.jsonl")
