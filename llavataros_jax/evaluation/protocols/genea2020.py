"""The numerical evaluations of the GENEA Challenge 2020.

Source: github.com/genea-workshop/genea_numerical_evaluations, branch 2020 (4f08282).
"""

from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols.alignment import with_alignment
from llavataros_jax.evaluation.protocols.genea import assemble
from llavataros_jax.evaluation.protocols.genea_histogram import SpeedBins
from llavataros_jax.evaluation.protocols.genea_joints import GENEA_2020
from llavataros_jax.evaluation.protocols.genea_measures import Year, in_centimetres
from llavataros_jax.evaluation.protocols.joint_names import require
from llavataros_jax.motion.skeleton import Skeleton


def protocol(options: ProtocolOptions) -> Protocol:
    """Returns the protocol of 2020: 15 joints, 20 fps.

    Its arrays are (T, 15, 3), so that 2 joints are cut. Quirks: speeds beyond the last bin vanish,
    and bins are weighed by the share of two joints in them, called wrists, which in the order of
    its files are the right hand and the head; where a bin is empty the reference has no number.

    Raises:
        UserError: When the embedding cannot be used.
    """
    bins = SpeedBins(
        last=59.0,
        width=1.0,
        cut=2,
        rank="joints",
        keeps_fast=not options.quirks,
        two_joints=options.quirks,
    )
    year = Year("genea2020", "2020 (4f08282)", 20.0, bins, cca_iterations=500)

    def joints_of(skeleton: Skeleton, clip: str) -> tuple[str, ...]:
        require(skeleton, GENEA_2020, protocol=year.name, clip=clip)
        return GENEA_2020

    challenge = assemble(
        year,
        options,
        says="For motion of the GENEA Challenge 2020 (Trinity); follows its numerical evaluations.",
        joints="of the trunk, neck, head and arms in the challenge's order",
        joints_of=joints_of,
        centimetres=in_centimetres,
        settings={
            "bins weighed by": "the right hand and the head" if options.quirks else "nothing"
        },
    )
    return with_alignment(challenge, options.alignment)
