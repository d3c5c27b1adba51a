"""What can be measured of motion that nobody recorded."""

import dataclasses

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.anchors import amplified
from llavataros_jax.evaluation.columns import Column, take_of
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.take import Performance

LACKS = (
    "recorded motion was not given: measures that need it, anchors that are made of it, and with "
    "them most of what tells whether the table is sane"
)
_OTHER_AMPLITUDE = 0.5


def without_recording(protocol: Protocol, performance: Performance) -> Protocol:
    """Returns the part of a protocol that looks at the system's motion and the speech alone.

    A measure needs the recorded motion if it says so, or if its sums change when another motion
    stands for it. What remains has the numbers that it has beside recorded motion.

    Args:
        protocol: Any.
        performance: A clip, prepared by it, whose predicted motion stands for the recorded one.

    Raises:
        UserError: When nothing remains.
    """
    measures = tuple(m for m in protocol.measures if not _needs_recording(m, performance))
    if not measures:
        raise UserError(
            f"protocol {protocol.name} measures nothing without recorded motion; name it with "
            "--real"
        )
    columns = tuple(column for column in protocol.columns if _shows_system(column))
    lacks = (*protocol.lacks, LACKS)
    return dataclasses.replace(protocol, measures=measures, columns=columns, lacks=lacks)


def _needs_recording(measure: Measure, performance: Performance) -> bool:
    if measure.compares or measure.distribution:
        return True
    take = take_of(performance, others=performance.predicted[1:])
    other = dataclasses.replace(take, real=amplified(take.real, _OTHER_AMPLITUDE))
    first, second = measure.gather(take), measure.gather(other)
    if first is None or second is None:
        return first is not second
    return not np.array_equal(first, second, equal_nan=True)


def _shows_system(column: Column) -> bool:
    return column.key.startswith("predicted")
