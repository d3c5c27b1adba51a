"""What may be turned while motion is made: of the sampled head, and of the body it moves."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, Int, UInt32

from llavataros_jax.config import FilmConfig, FlowConfig
from llavataros_jax.errors import UserError
from llavataros_jax.model import Dials

MOST_SEED = 2**32 - 1
# What `film.size` takes.
MOST_SIZE = 3.0


class LiveDials(struct.PyTreeNode):
    """The dials of live streams; any of them may change at every call, and compiles nothing.

    The first three turn what a sampled head draws and have no effect on a regression. They act at
    once. The others take 0.3 s for a whole unit, so that a body does not jump.

    Attributes:
        temperature: Size of each lane's noise, 0 to 3; 1 as trained.
        guidance: How much further each lane goes from what is likely without speech, 0 to 10.
        steps: Euler steps of a sample, the same in all lanes.
        size: Size of each lane's movements about their slow course, 0 to 3; 1 as predicted.
        expressiveness: How far each lane's joints go from the resting pose, 0 to 3; 1 as predicted.
        idle: How still each lane's body is while it says nothing, 0 to 1; 0 as predicted.
    """

    temperature: Float[Array | np.ndarray, " B"]
    guidance: Float[Array | np.ndarray, " B"]
    steps: Int[Array | np.ndarray, ""]
    size: Float[Array | np.ndarray, " B"]
    expressiveness: Float[Array | np.ndarray, " B"]
    idle: Float[Array | np.ndarray, " B"]

    @classmethod
    def of(
        cls,
        lanes: int,
        flow: FlowConfig | None = None,
        film: FilmConfig | None = None,
        *,
        has_words: bool | Sequence[bool] = True,
    ) -> "LiveDials":
        """Returns dials as option sections set them, by default as trained, alike in all lanes.

        `has_words` tells, for all lanes or for each, whether words of the speech will be known;
        where none will, movements are `film.wordless_size` times as large, up to the dial's end.
        """
        flow, film = flow or FlowConfig(), film or FilmConfig()
        wordless = min(film.size * film.wordless_size, MOST_SIZE)
        size = np.where(np.broadcast_to(has_words, lanes), film.size, wordless)
        temperature, guidance, expressiveness, idle = (
            np.full(lanes, value, np.float32)
            for value in (flow.temperature, flow.guidance, film.expressiveness, film.idle)
        )
        steps = np.array(flow.steps, np.int32)
        return cls(temperature, guidance, steps, size.astype(np.float32), expressiveness, idle)

    @property
    def of_head(self) -> Dials:
        """Those of the sampled head."""
        return Dials(
            temperature=jnp.asarray(self.temperature),
            guidance=jnp.asarray(self.guidance),
            steps=jnp.asarray(self.steps),
        )


def checked_dials(dials: LiveDials, lanes: int) -> LiveDials:
    """Returns dials of which every number is in its range, as float32.

    Raises:
        UserError: When a number is out of its range or none, or there is not one for each lane.
    """
    values = {name: np.asarray(getattr(dials, name)) for name in _NAMES}
    for name, value in values.items():
        if value.shape != (() if name == "steps" else (lanes,)):
            raise UserError(
                f"the dial {name} has the shape {value.shape}, but this stream has {lanes} lanes; "
                f"give one number {'for all' if name == 'steps' else 'for each'}"
            )
    if values["steps"].dtype.kind not in "iu":
        raise UserError(f"the dial steps is {values['steps']}, but must be a whole number")
    for extreme in (np.min, np.max):  # the ranges are those of the options; NaN is in none
        number = {name: extreme(value).item() for name, value in values.items()}
        FlowConfig(**{name: number[name] for name in _NAMES[:3]})
        FilmConfig(**{name: number[name] for name in _NAMES[3:]})
    return LiveDials(
        **{
            name: value.astype(np.int32 if name == "steps" else np.float32)
            for name, value in values.items()
        }
    )


def checked_seeds(seeds: np.ndarray | list[int], lanes: int) -> UInt32[np.ndarray, " B"]:
    """Returns a seed for each lane.

    Raises:
        UserError: When they are not as many, or not whole numbers from 0 to 2^32 - 1.
    """
    array = np.asarray(seeds)
    if array.shape != (lanes,):
        raise UserError(
            f"the seeds have the shape {array.shape}, but this stream has {lanes} lanes; give one "
            "for each"
        )
    whole = array.dtype.kind in "iu"
    if not whole or (array < 0).any() or (array > MOST_SEED).any():
        raise UserError(
            f"the seeds are {array.tolist()}, but must be whole numbers from 0 to {MOST_SEED}"
        )
    return array.astype(np.uint32)


_NAMES = ("temperature", "guidance", "steps", "size", "expressiveness", "idle")
