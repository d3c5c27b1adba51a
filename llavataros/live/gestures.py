"""Gestures that can be asked for by their names."""


class Gestures:
    """A library of gestures."""

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for."""
        return ()
