"""Training ends when held-out clips are met no better, and says so, also when it is asked again."""

import os
import signal

import jax.numpy as jnp
import pytest

from llavataros_jax import train
from llavataros_jax.config.file import config_from_dict, config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.training.checkpoint import Checkpoints, trained_steps
from llavataros_jax.training.choices import choose
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parallel import JitLauncher
from llavataros_jax.training.patience import no_better
from llavataros_jax.training.validation import Validation
from tests.training.records import toy_config, write_records


@pytest.mark.parametrize(
    ("best_step", "step", "count"),
    [(None, 12, 0), (4, 4, 0), (4, 7, 0), (4, 8, 1), (4, 12, 2), (10, 12, 1), (12, 8, 0)],
)
def test_validations_are_counted_from_the_best(best_step, step, count):
    """Every fourth step is one; training that was longer once also ended with one, at step 10."""
    assert no_better(best_step, step, validate_every=4) == count


def test_patience_is_a_number_of_validations():
    with pytest.raises(UserError, match=r"training\.patience must not be negative"):
        config_from_dict({"training": {"patience": -1}})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validate_every": 0}, "because training.validate_every=0"),
        ({"validate_every": 2}, "because training ends at step 8"),
        ({"validate_every": 1}, None),
    ],
)
def test_patience_without_effect_is_said(tmp_path, options, words):
    manifest = write_records(tmp_path)
    training = {"steps": 8, "sample_every": 0, "patience": 3, **options}
    _, said = choose(toy_config(tmp_path, tmp_path / "run", training=training), manifest)
    assert [s for s in said if s.startswith("training.patience=3 has no effect, ")] == said
    assert [words in s for s in said] == [True] * bool(words)


def step_without_learning(state, batch):
    """Stands for a step, which would have to be compiled."""
    metrics = dict.fromkeys(("loss", "gradient_norm", "frames"), jnp.ones(()))
    return state.replace(step=state.step + 1), metrics


@pytest.mark.slow
def test_a_run_ends_when_its_patience_does_and_counts_what_was_before(
    tmp_path, monkeypatch, capsys
):
    manifest = write_records(tmp_path / "records")
    losses = iter([1.0, 1.2, 1.1, 0.9, float("nan")])
    monkeypatch.setattr(Validation, "__call__", lambda *_: {"loss": next(losses)})
    monkeypatch.setattr(Validation, "baseline", lambda *_: 1.0)
    monkeypatch.setattr(JitLauncher, "train", lambda *_, **__: step_without_learning)
    run = tmp_path / "run"

    def config(**training):
        every = {"steps": 12, "validate_every": 2, "checkpoint_every": 5, "log_every": 5}
        own = {"patience": 2, "sample_every": 4, **every, **training}
        small = {"parallel": {"devices": 1}, "model": {"cross_blocks": 0}}
        return toy_config(tmp_path / "records", run, training=own, **small)

    def terminate(params, step):
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        fit(config(), manifest, sampler=terminate)
    assert trained_steps(run) in (4, 5), "it was stopped after the second of its validations"
    capsys.readouterr()

    path = tmp_path / "own.yaml"
    path.write_text(config_to_yaml(config(sample_every=0)))
    assert train.main(["--config", str(path)]) == 0
    printed = capsys.readouterr()
    assert "no better held-out loss for 2 validations; the best is step 2" in printed.err
    assert "trained 6 steps" in printed.out
    assert "loss " in printed.err.splitlines()[-2], "steps not logged yet are, at the end"

    assert train.main(["--config", str(path)]) == 0
    again = capsys.readouterr()
    assert "is finished: no better held-out loss for 2 validations; the best is step 2" in again.err
    assert "training.patience" in again.err
    assert "trained 6 steps" in again.out
    assert trained_steps(run) == 6

    assert train.main(["--config", str(path), "training.patience=3", "training.steps=10"]) == 0
    printed = capsys.readouterr().err
    assert "no better" not in printed
    assert "is finished" not in printed
    with Checkpoints(run) as checkpoints:
        assert (checkpoints.latest_step, checkpoints.best_step) == (10, 8)
