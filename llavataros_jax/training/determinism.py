"""The same bits of every run on a GPU (`training.deterministic`), by a flag of XLA."""

import os
from collections.abc import MutableMapping

import jax
from jax._src import xla_bridge  # no public name tells whether JAX runs already

from llavataros_jax.config import TrainingConfig
from llavataros_jax.errors import UserError

# It forbids what adds in any order, such as a scatter by atomics, and turns off the autotuner,
# which chooses kernels by how quick they were (openxla.org/xla/determinism). The narrower
# xla_gpu_exclude_nondeterministic_ops leaves that on, so that a run goes on with other kernels.
FLAG = "--xla_gpu_deterministic_ops"


def require_determinism(
    config: TrainingConfig, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Has XLA compute the same bits each time, if asked; to be called before JAX sees a device.

    Raises:
        UserError: When a GPU is in use already, or XLA_FLAGS asks for the opposite.
    """
    if not config.deterministic:
        return
    flags = environment.get("XLA_FLAGS", "")
    given = [flag for flag in flags.split() if flag.partition("=")[0] == FLAG]
    if given and given[-1].partition("=")[2].lower() in ("false", "0"):
        raise UserError(
            f"training.deterministic=true, but XLA_FLAGS of the environment has {given[-1]}; "
            "remove one of them"
        )
    if given:
        return
    if xla_bridge.backends_are_initialized():
        if jax.default_backend() == "gpu":
            raise UserError(
                "training.deterministic=true is for XLA to know before it sees the GPU, which this "
                f"process uses already; start it with XLA_FLAGS={FLAG}=true in the environment"
            )
        return
    environment["XLA_FLAGS"] = f"{flags} {FLAG}=true".strip()


def without_effect(config: TrainingConfig) -> list[str]:
    """Says that a device needs no such flag; to be called once JAX runs."""
    platform = jax.default_backend()
    if not config.deterministic or platform == "gpu":
        return []
    return [
        f"training.deterministic has no effect on a {platform.upper()}, whose programs give the "
        "same bits each time"
    ]
