"""What a GPU is given: the training step lowered for it, product by product, without a GPU.

JAX lowers a program for a device that is not there. What is counted is StableHLO, as it goes to
XLA: XLA then fuses what is not a product, and chooses the kernels. A function that is called
several times counts as often; the body of a loop counts once.
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.mlir.dialects import stablehlo
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from llavataros.estimate.memory import abstract_state, batch_of
from llavataros.estimate.step import step_of
from llavataros.estimate.workload import Workload
from llavataros_jax.errors import UserError
from llavataros_jax.model.kernels import built_for

PLATFORM = "cuda"
# Pallas asks for what it builds.
_GPU = AbstractMesh(
    (), (), abstract_device=AbstractDevice("NVIDIA H100 80GB HBM3", num_cores=None, platform="gpu")
)
# What is worth knowing of the rest: GPUs scatter in any order, and wait for sorts and loops.
COUNTED = ("gather", "scatter", "sort", "while", "rng_bit_generator", "convert")


@dataclass(frozen=True)
class LoweredProduct:
    """Matrix products of a program that are alike.

    Attributes:
        first: Shape of the first operand.
        second: Shape of the second.
        result: Shape of the result.
        inputs: Type of what is multiplied; of float32 that may be rounded, `tf32`.
        sums: Type in which the products are added up.
        times: How many there are.
        flop: FLOP of all of them.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    result: tuple[int, ...]
    inputs: str
    sums: str
    times: int
    flop: int


@dataclass(frozen=True)
class Program:
    """What is known of a lowered program.

    Attributes:
        products: Its matrix products, those with the most FLOP first.
        kernels: Kernels that are not XLA's, by name; their products are not in the list.
        operations: How many there are of some kinds.
        flop: FLOP of everything by XLA's count, but for `kernels`.
        bytes_accessed: What all operations read and write, each for itself, by XLA's count.
    """

    products: tuple[LoweredProduct, ...]
    kernels: dict[str, int]
    operations: dict[str, int]
    flop: float
    bytes_accessed: float


def lowered_program(workload: Workload) -> Program:
    """Lowers the training step for a GPU and counts.

    Raises:
        UserError: When the config's attention needs a library that is not here.
    """
    config, step = workload.config, step_of(workload)
    state = abstract_state(config, workload.model)
    batch = batch_of(config, workload.model, workload.segment_words)
    try:
        with built_for("gpu"), use_abstract_mesh(_GPU):
            traced = jax.jit(step, donate_argnums=0).trace(state, batch)
        lowered = traced.lower(lowering_platforms=(PLATFORM,))
    except RuntimeError as problem:
        if "cuDNN" not in str(problem):
            raise
        raise UserError(
            f"model.attention_kernel={config.model.attention_kernel} can only be lowered where JAX "
            "finds cuDNN; install jax[cuda13], or look at model.attention_kernel=pallas or xla"
        ) from problem
    return program_of(lowered)


def program_of(lowered: Any) -> Program:
    """Counts what a lowered program (of `jax.stages`) has."""
    products: Counter[LoweredProduct] = Counter()
    kernels: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    for operation in _operations(lowered.compiler_ir("stablehlo")):
        name = operation.name.removeprefix("stablehlo.")
        if name == "dot_general":
            products[_product(operation)] += 1
        elif name == "custom_call":
            kernels[str(operation.attributes["call_target_name"]).strip('"')] += 1
        elif name in COUNTED:
            operations[name] += 1
    listed = [
        LoweredProduct(p.first, p.second, p.result, p.inputs, p.sums, times, times * p.flop)
        for p, times in products.items()
    ]
    told = lowered.cost_analysis() or {}
    return Program(
        tuple(sorted(listed, key=lambda product: -product.flop)),
        dict(kernels.most_common()),
        {name: operations[name] for name in COUNTED},
        told.get("flops", math.nan),
        told.get("bytes accessed", math.nan),
    )


def _operations(module: Any) -> Iterator[Any]:
    """Yields the operations that run, those of a function as often as it is called."""
    functions = {
        operation.operation.attributes["sym_name"].value: operation.operation
        for operation in module.body.operations
        if operation.operation.name == "func.func"
    }

    def inside(operation: Any) -> Iterator[Any]:
        for region in operation.regions:
            for block in region:
                for each in block.operations:
                    yield each.operation
                    if each.operation.name == "func.call":
                        yield from inside(functions[each.operation.attributes["callee"].value])
                    else:
                        yield from inside(each.operation)

    yield from inside(functions["main"])


def _product(operation: Any) -> LoweredProduct:
    """Returns one matrix product, whose FLOP are two for each pair that is multiplied."""
    first, second = (operand.type for operand in operation.operands)
    result = operation.results[0].type
    axes = stablehlo.DotDimensionNumbers(operation.attributes["dot_dimension_numbers"])
    summed = math.prod(first.shape[axis] for axis in axes.lhs_contracting_dimensions)
    inputs = "x".join(dict.fromkeys(str(kind.element_type) for kind in (first, second)))
    sums = str(result.element_type)
    if "algorithm" in operation.attributes:
        algorithm = stablehlo.DotAlgorithm(operation.attributes["algorithm"])
        inputs, sums = str(algorithm.lhs_precision_type), str(algorithm.accumulation_type)
    elif inputs == "f32" and "HIGHEST" not in str(operation.attributes["precision_config"]):
        inputs = "tf32"
    first, second, result = (tuple(kind.shape) for kind in (first, second, result))
    return LoweredProduct(first, second, result, inputs, sums, 1, 2 * math.prod(result) * summed)


def print_program(workload: Workload, *, as_json: bool = False) -> None:
    """Prints what `lowered_program` finds, as a table or with all numbers as JSON."""
    program = lowered_program(workload)
    if as_json:
        print(json.dumps(dataclasses.asdict(program), indent=2))
        return
    for sentence in (*workload.said, *workload.assumed):
        print(f"  {sentence}")
    print("\n".join(lines_of_program(program)))


def lines_of_program(program: Program) -> Iterator[str]:
    """Yields a table of all products, and what else is known, in lines of up to 100 characters."""
    total = sum(product.flop for product in program.products)
    yield f"{'products':<11}{'inputs → sums':<15}{'GFLOP':>11}{'share':>9}   shapes"
    for product in program.products:
        kind = f"{product.inputs} → {product.sums}"
        shapes = " · ".join(map(_shape, (product.first, product.second)))
        yield (
            f"{product.times:>6} ×   {kind:<15}{product.flop / 1e9:>11,.3f}"
            f"{100 * product.flop / max(total, 1):>7.1f} %   {shapes} → {_shape(product.result)}"
        )
    yield ""
    kinds: Counter[str] = Counter()
    for product in program.products:
        kinds[f"{product.inputs} → {product.sums}"] += product.flop
    for kind, flop in kinds.most_common():
        yield f"{kind:<26}{flop / 1e9:>11,.3f}{100 * flop / max(total, 1):>7.1f} %   all products"
    yield f"{'XLA counts':<26}{program.flop / 1e9:>11,.3f}{'':>9}   GFLOP of everything"
    told = ", ".join(f"{count} {name}" for name, count in program.operations.items() if count)
    yield f"{program.bytes_accessed / 1e9:,.3f} GB are read and written before anything is fused"
    yield f"Other operations: {told or 'none of those that are told'}"
    for name, count in program.kernels.items():
        yield f"{count} × kernel {name}"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
