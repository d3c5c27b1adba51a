"""The lowered step: what is counted in it, and that bfloat16 is bfloat16 both ways."""

import jax
import jax.numpy as jnp
import pytest
from jax._src.cudnn import fused_attention_stablehlo as cudnn  # to pretend that there is one
from jax.lax import DotAlgorithmPreset, Precision

from llavataros.estimate.__main__ import main
from llavataros.estimate.numbers import products_of
from llavataros.estimate.program import lines_of_program, lowered_program, program_of
from llavataros.estimate.workload import Length, Workload, open_workload
from llavataros_jax.config.file import config_from_dict, config_to_yaml

NETWORK = {
    "d_model": 32, "heads": 2, "d_head": 16, "d_inner": 48, "self_blocks": 1, "cross_blocks": 1,
    "segment_frames": 12, "memory_frames": 12, "compute_dtype": "bfloat16",
}  # fmt: skip
OUTPUT = 3 + 6 * 4


def small_workload(**network: str) -> Workload:
    """Returns a network of two blocks for a skeleton of four joints, without records."""
    config = config_from_dict(
        {
            "data": {"records": "nowhere"},
            "model": {**NETWORK, **network},
            "text": {"kind": "wordllama", "size": 64},
            "training": {"lanes": 4, "steps": 1000},
        }
    )
    return open_workload(config, Length(), joints=4)


@pytest.mark.slow
def test_every_product_is_bfloat16_both_ways_but_those_of_the_output() -> None:
    workload = small_workload()
    program = lowered_program(workload)
    kinds = {(product.inputs, product.sums) for product in program.products}
    assert kinds == {("bf16", "f32"), ("f32", "f32")}
    exact = [product for product in program.products if product.inputs == "f32"]
    of_output = [p for p in exact if OUTPUT in (*p.first, *p.second, *p.result)]
    assert sum(p.times for p in exact) == sum(p.times for p in of_output) == 3
    # Counted once in StableHLO, and once from the einsums.
    counted = sum(product.flop for product in products_of(workload))
    assert sum(product.flop for product in program.products) == counted
    assert counted < program.flop < 3 * counted
    assert program.operations["scatter"] == program.operations["while"] == 0
    assert not program.kernels
    lines = list(lines_of_program(program))
    assert max(map(len, lines)) <= 100
    share = 100 * sum(p.flop for p in exact) / counted
    assert any(line.startswith("f32 → f32") and f"{share:.1f} %" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "names"),
    [
        ("pallas", {"__gpu$xla.gpu.triton": 6}),
        ("cudnn", {"__cudnn$fmhaScaleBiasSoftmax": 2, "__cudnn$fmhaScaleBiasSoftmaxBackward": 2}),
    ],
)
def test_kernels_are_lowered_without_a_gpu(
    kernel: str, names: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cudnn, "check_cudnn_version", lambda: 91000)
    assert lowered_program(small_workload(attention_kernel=kernel)).kernels == names


def test_where_there_is_no_cudnn_it_is_said(tmp_path, capsys, monkeypatch) -> None:
    def absent():
        raise RuntimeError("cuDNN is not detected.")

    monkeypatch.setattr(cudnn, "check_cudnn_version", absent)
    path = tmp_path / "small.yaml"
    path.write_text(config_to_yaml(small_workload(attention_kernel="cudnn").config))
    assert main([str(path), "--joints", "4", "--program"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "can only be lowered where JAX finds cuDNN" in said


def test_types_are_those_in_which_a_gpu_multiplies() -> None:
    @jax.jit
    def rounded(a, b):
        return jnp.matmul(a, b, precision=Precision.DEFAULT)

    def step(a, b, c):
        twice = rounded(rounded(a, b), b)
        full = jnp.matmul(twice, b, precision=Precision.HIGHEST)
        narrow = jnp.matmul(full, c, precision=DotAlgorithmPreset.BF16_BF16_F32)
        return narrow.at[jnp.array([0, 0])].add(narrow[1:3])

    a, b, c = jnp.ones((8, 5)), jnp.ones((5, 5)), jnp.ones((5, 7))
    lowered = jax.jit(step).trace(a, b, c).lower(lowering_platforms=("cuda",))
    program = program_of(lowered)
    found = {(p.inputs, p.sums): (p.times, p.flop, p.result) for p in program.products}
    assert found == {
        ("tf32", "f32"): (2, 2 * 2 * 8 * 5 * 5, (8, 5)),
        ("f32", "f32"): (1, 2 * 8 * 5 * 5, (8, 5)),
        ("bf16", "f32"): (1, 2 * 8 * 5 * 7, (8, 7)),
    }
    assert program.operations["scatter"] == 1
