"""How a stage tells what the user should know."""

from collections.abc import Callable

Note = Callable[[str], None]
