"""Eight simulated devices for all tests, and full float32 products wherever they run."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import jax

# The tests compile hundreds of tiny programs and run each for microseconds.
jax.config.update("jax_disable_most_optimizations", True)
jax.config.update("jax_default_matmul_precision", "float32")
