"""The trained run of the program's tests."""

from tests.program.conftest import way

__all__ = ["way"]
