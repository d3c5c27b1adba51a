"""How a section refuses values that make no sense."""

import re
from typing import Any

from llavataros_jax.errors import UserError


def require(condition: bool, message: str, section: Any) -> None:
    """Refuses a section unless a condition holds.

    The sentence ends with the values of the options that it names and whose value it does not say.

    Raises:
        UserError: When it does not hold.
    """
    if condition:
        return
    named = [
        f"{name}={value}"
        for name, value in vars(section).items()
        if re.search(rf"\b{name}\b(?! is )", message)
    ]
    raise UserError(f"{message} (got {', '.join(named)})" if named else message)
