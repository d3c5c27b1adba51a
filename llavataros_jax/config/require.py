"""How a section refuses values that make no sense."""

import dataclasses
from typing import Any

from llavataros_jax.errors import UserError


def require(condition: bool, message: str, section: Any) -> None:
    if not condition:
        values = ", ".join(f"{k}={v}" for k, v in dataclasses.asdict(section).items())
        raise UserError(f"{message} (got {values})")
