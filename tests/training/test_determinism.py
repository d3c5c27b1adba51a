"""The flag by which XLA gives the same bits each time on a GPU, and when it comes too late."""

import jax
import pytest

from llavataros_jax.config import TrainingConfig
from llavataros_jax.errors import UserError
from llavataros_jax.training import determinism
from llavataros_jax.training.determinism import FLAG, require_determinism, without_effect

WANTED = TrainingConfig(deterministic=True)


@pytest.fixture
def started(monkeypatch):
    """Returns what tells JAX's platform, which here runs already; None stands for not yet."""

    def tell(platform):
        monkeypatch.setattr(
            determinism.xla_bridge, "backends_are_initialized", lambda: platform is not None
        )
        monkeypatch.setattr(jax, "default_backend", lambda: platform)

    return tell


@pytest.mark.parametrize("before", ["", "--xla_cpu_enable_fast_math=false"])
def test_the_flag_is_added_before_jax_starts(started, before):
    started(None)
    environment = {"XLA_FLAGS": before}
    require_determinism(TrainingConfig(), environment)
    assert environment == {"XLA_FLAGS": before}
    require_determinism(WANTED, environment)
    wanted = f"{before} {FLAG}=true".strip()
    assert environment == {"XLA_FLAGS": wanted}
    started("gpu")
    require_determinism(WANTED, environment)
    assert environment == {"XLA_FLAGS": wanted}, "a second training of the same process"


def test_a_gpu_that_is_in_use_is_refused_and_a_cpu_needs_nothing(started):
    started("gpu")
    with pytest.raises(UserError, match=f"uses already; start it with XLA_FLAGS={FLAG}=true"):
        require_determinism(WANTED, {})
    assert without_effect(WANTED) == []
    started("cpu")
    environment = {}
    require_determinism(WANTED, environment)
    assert environment == {}
    (said,) = without_effect(WANTED)
    assert said.startswith("training.deterministic has no effect on a CPU")
    assert without_effect(TrainingConfig()) == []


def test_a_flag_that_asks_for_the_opposite_is_refused(started):
    started(None)
    with pytest.raises(UserError, match=f"has {FLAG}=false; remove one"):
        require_determinism(WANTED, {"XLA_FLAGS": f"--a=1 {FLAG}=false"})


def test_xla_knows_the_flag():
    """XLA ends the process that sets one that it does not know."""
    lowered = jax.jit(lambda x: x + 1).lower(1.0)
    name = FLAG.removeprefix("--")
    assert lowered.compile(compiler_options={name: True})(1.0) == 2
    with pytest.raises(jax.errors.JaxRuntimeError, match="No such compile option"):
        lowered.compile(compiler_options={f"{name}_2": True})
