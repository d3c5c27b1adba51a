"""What the report says of the numbers, and how arithmetic is counted."""

import functools
import json

import jax
import jax.numpy as jnp
import pytest

from llavataros.benchmark import train_report
from llavataros.benchmark.train import _alternating, run
from llavataros.benchmark.train_ours import product_flops
from llavataros.benchmark.train_task import TASKS, Way, features
from llavataros_jax.errors import UserError


def row(side, way, dtype, seconds):
    found = {"side": side, "way": way, "compute_dtype": dtype}
    return found | train_report.summary(seconds, frames=2880)


def test_a_row_is_compared_with_the_fastest_other_of_its_type():
    rows = [
        row("ours", "ours", "float32", [2.0, 1.0, 3.0]),
        row("PyTorch", "eager", "float32", [4.0]),
        row("PyTorch", "compiled", "float32", [3.0]),
        row("PyTorch", "compiled", "bfloat16", [1.0]),
        row("ancestor", "as it is", "float32", [5.0]),
    ]
    train_report.add_ratios(rows)
    assert rows[0]["median_seconds"] == 2.0
    assert rows[0]["spread"] == 1.0
    assert rows[0]["frames_per_second"] == 1440
    assert rows[0]["times_pytorch"] == 1.5
    assert rows[0]["times_ancestor"] == 2.5
    assert "times_ancestor" not in rows[3]


def test_the_report_is_written_whole_and_names_the_machine(tmp_path):
    rows = [
        row("ours", "float32, all terms", "float32", [2.0]),
        row("PyTorch", "x", "float32", [3]),
    ]
    rows[0] |= {"trace_seconds": 1.0, "compile_seconds": 7.25, "utilisation": 0.5}
    train_report.add_ratios(rows)
    task = {"size": "small", "parameters": 1, "lanes": 4, "frames": 12, "memory_frames": 24}
    found = {
        "turns": 1,
        "task": task | {"dropout": 0.2},
        "machine": train_report.machine(),
        "load_after": train_report.load(),
        "parity": {"PyTorch": "poses differ by 1e-06"},
        "notes": ["Said."],
        "flops": {"products": 2e12, "xla": 3e12},
        "product_rates": {"float32": 1e12},
        "rows": rows,
    }
    train_report.write(found, tmp_path)
    assert json.loads((tmp_path / "train.json").read_text()) == found
    lines = (tmp_path / "train.md").read_text().splitlines()
    assert found["machine"]["processor"]
    assert any(found["machine"]["processor"] in line for line in lines)
    assert "PyTorch: poses differ by 1e-06." in lines
    assert (
        "| ours | float32, all terms | 2 | 0% | 1,440 | 1.50 × |  | 50.0% | 1.0 + 7.2 s |" in lines
    )
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_products_are_counted_through_loops_and_gradients():
    def layer(x, w):
        return jnp.tanh(jnp.einsum("bt,td->bd", x, w)), None

    def network(w, x):
        return jax.lax.scan(lambda x, _: layer(x, w), x, length=3)[0].sum()

    count = functools.partial(jax.make_jaxpr, return_shape=False)
    shapes = jnp.zeros((5, 5)), jnp.zeros((4, 5))
    one = 2 * 4 * 5 * 5
    assert product_flops(count(network)(*shapes).jaxpr) == 3 * one
    assert product_flops(count(jax.jit(jax.grad(network)))(*shapes).jaxpr) == 9 * one


def test_all_take_turns():
    ours, others = ([Way({"way": name}, list) for name in names] for names in ("abc", "x"))
    assert [way.row["way"] for way in _alternating(ours, others)] == ["a", "x", "b", "c"]


def test_features_of_a_frame_are_its_sound_and_its_word():
    speech = TASKS["small"].batch(0).main
    found = features(speech)
    assert found.shape == (4, 12, 24 + 16)
    lane, frame = 1, int((speech.word_index[1] >= 0).argmax())
    word = speech.words[lane, speech.word_index[lane, frame]]
    assert (found[lane, frame, 24:] == word).all()
    assert not found[..., 24:][speech.word_index < 0].any()


def test_the_published_task_has_the_published_parameters():
    task = TASKS["published"]
    assert sum(task.levels) == 83
    assert task.sizes.pose == 501
    # Spec section 2.8.
    assert task.model().parameter_count() == 83_462_781


def test_without_pytorch_or_with_a_wrong_size_it_is_said(monkeypatch):
    with pytest.raises(UserError, match="no size huge; there are published, middle, small"):
        run(1, size="huge")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(UserError, match="beside PyTorch's needs torch; install with: "):
        run(1, size="small")
