"""What tests of animation count."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture
def compilations() -> Iterator[list[float]]:
    """Yields a list that gets the seconds of every program that XLA makes or finds on disk."""
    seconds: list[float] = []

    def heard(event: str, duration: float, **_: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(heard)
    yield seconds
    jax.monitoring.unregister_event_duration_listener(heard)
