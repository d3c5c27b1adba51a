"""Validation compiles two programs, one of the network and one of a pose that is held."""

import functools

import jax
import numpy as np
import pytest

from llavataros_jax.config import LossConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.network import build_model
from llavataros_jax.training import validation as validation_module
from llavataros_jax.training.carry import empty_carry
from llavataros_jax.training.losses import weighted_loss
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.step import evaluate_step
from llavataros_jax.training.validation import Validation
from tests.training.records import VALIDATION, toy_config, write_records


@pytest.mark.slow
def test_validation_compiles_once_and_takes_its_baseline_as_an_argument(tmp_path, monkeypatch):
    manifest = write_records(tmp_path)
    config = toy_config(tmp_path, tmp_path / "run", parallel={"devices": 1})
    model, codec = build_model(config, manifest), manifest.pose_codec()
    launcher = build_launcher(config.parallel, 8)
    traced = []

    def counted(*arguments, **options):
        traced.append(options["constant_pose"] is None)
        return evaluate_step(*arguments, **options)

    monkeypatch.setattr(validation_module, "evaluate_step", counted)
    reader = ClipReader(tmp_path, "validation")
    validation = Validation(reader, model, codec, LossConfig(), launcher, max_lanes=2)
    assert not traced
    params = jax.jit(model.init)(jax.random.key(0))
    assert validation(params) == validation(params)
    still = np.zeros(codec.pose_size, np.float32)
    moved = np.linspace(-1, 1, codec.pose_size, dtype=np.float32)
    found = [validation.baseline(pose) for pose in (still, moved, still)]
    assert traced == [True, False]
    assert found[0] == found[2] != found[1]

    # The pose as a constant of the program.
    step = jax.jit(
        functools.partial(evaluate_step, {}, model=model, codec=codec, constant_pose=moved)
    )
    carry, sums, weights = empty_carry(model, 2), [], []
    for batch in validation._batches():
        carry, totals = step(carry, batch)
        sums.append(totals["sums"])
        weights.append(totals["weights"])
    added = [jax.tree.map(lambda *x: sum(map(float, x)), *part) for part in (sums, weights)]
    assert found[1] == pytest.approx(float(weighted_loss(*added, LossConfig())), rel=1e-5)
    assert len(sums) == -(-max(VALIDATION) // 20)
