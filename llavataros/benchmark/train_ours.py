"""Our training step, compiled ahead of time, with what it costs to compile and its arithmetic."""

import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llavataros.benchmark.train_task import Task
from llavataros_jax.config import LossConfig, OptimizerConfig, ParallelConfig
from llavataros_jax.training.optimizer import build_optimizer
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import train_step

# What is learned from: the term that alone has a gradient in the ancestor, or all of them.
LOSSES = {
    "rotation": LossConfig(
        **dict.fromkeys(
            ("position", "root_position", "velocity", "root_velocity", "acceleration", "kinetic"),
            0.0,
        ),
        geometric_gradient=False,
        drop_interlocutor=0.0,
        drop_words=0.0,
    ),
    "all terms": LossConfig(),
}
_SEED = 1


@dataclass(frozen=True)
class Compiled:
    """A step, and what is known of it before it runs.

    Attributes:
        call: Learns from the next segments.
        trace_seconds: Python and lowering.
        compile_seconds: XLA.
        product_flops: Of the matrix products, counted in the traced program; of one segment.
        xla_flops: XLA's own count of the program before its passes; of one segment.
        segments: Segments that a call learns from.
    """

    call: Callable[[], object]
    trace_seconds: float
    compile_seconds: float
    product_flops: float
    xla_flops: float
    segments: int


class OurTraining:
    """One state that all ways of taking a step share: they differ in bits, types and loss."""

    def __init__(self, task: Task, batches: int = 3):
        """Puts parameters, moments, memory and batches on the device."""
        self.task = task
        self.launcher = build_launcher(ParallelConfig(devices=1), task.lanes)
        self.optimizer = build_optimizer(OptimizerConfig(), 1000)
        state = self.launcher.init(
            functools.partial(
                init_state,
                task.model(),
                self.optimizer,
                lanes=task.lanes,
                seed=_SEED,
                dropout_bits="threefry2x32",
            )
        )

        def placed(new: Any, old: Any) -> Any:
            return jax.tree.map(lambda x, like: jax.device_put(x, like.sharding), new, old)

        carry = state.carry
        memory = placed(task.memory(task.lanes), carry.memory)
        valid = jax.device_put(jnp.ones_like(carry.valid), carry.valid.sharding)
        self.state = state.replace(
            params=placed(task.params(), state.params),
            carry=carry.replace(memory=memory, valid=valid),
        )
        self.batches = [task.batch(number) for number in range(batches)]
        self.calls = 0

    @property
    def many_segments(self) -> bool:
        """Whether a call may learn from several segments."""
        return "segments" in inspect.signature(self.launcher.train).parameters

    def compiled(self, compute_dtype: str, bits: str, loss: str, *, segments: int = 1) -> Compiled:
        """Compiles a step that draws dropout with the generator `bits`."""
        step = functools.partial(
            train_step,
            model=self.task.model(compute_dtype),
            codec=self.task.codec,
            optimizer=self.optimizer,
            loss=LOSSES[loss],
        )
        if segments == 1:
            program: Any = self.launcher.train(step)
            given = [self.launcher.place(batch) for batch in self.batches]
        else:
            program = self.launcher.train(step, segments=segments)
            chosen = [self.batches[n % len(self.batches)] for n in range(segments)]
            given = [
                self.launcher.place(
                    jax.tree.map(lambda *x: np.stack(x), *chosen), segments=segments
                )
            ]
        began = time.perf_counter()
        traced = program.trace(self._state(bits), given[0])
        lowered = traced.lower()
        lowered_at = time.perf_counter()
        compiled = lowered.compile()
        compiled_at = time.perf_counter()
        # XLA counts the body of a loop once.
        costs: Any = lowered.cost_analysis() or {}

        def call() -> object:
            self.calls += 1
            batch = given[self.calls % len(given)]
            self.state, metrics = compiled(self._state(bits), batch)
            return self.state, metrics

        return Compiled(
            call,
            trace_seconds=lowered_at - began,
            compile_seconds=compiled_at - lowered_at,
            product_flops=product_flops(traced.jaxpr.jaxpr) / segments,
            xla_flops=float(costs.get("flops", np.nan)),
            segments=segments,
        )

    def _state(self, bits: str) -> Any:
        return self.state.replace(key=jax.random.key(_SEED, impl=bits))


def product_flops(program: Any) -> float:
    """Counts multiplications and additions of all matrix products of a traced program."""
    total = 0.0
    for equation in program.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            first = equation.invars[0].aval.shape
            each = np.prod([first[axis] for axis in contracted], dtype=float)
            total += 2 * each * np.prod(equation.outvars[0].aval.shape, dtype=float)
        times = equation.params.get("length", 1)
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program):
            if _is_program(inner):
                total += times * product_flops(getattr(inner, "jaxpr", inner))
    return total


def _is_program(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def product_rate(compute_dtype: str, turns: int = 5) -> float:
    """Measures a large matrix product in FLOP/s: what utilisation is a share of."""
    size = 8192 if jax.default_backend() == "gpu" else 2048
    dtype = jnp.bfloat16 if compute_dtype == "bfloat16" else jnp.float32
    precision = {"float32": "highest", "tf32": "high", "bfloat16": "default"}[compute_dtype]
    drawn = jax.random.normal(jax.random.key(0), (2, size, size), dtype)
    product = jax.jit(functools.partial(jnp.matmul, precision=precision))
    jax.block_until_ready(product(*drawn))
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        jax.block_until_ready(product(*drawn))
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)
