"""The numerical evaluations of the GENEA Challenge 2022.

Source: github.com/genea-workshop/genea_numerical_evaluations, branch 2022 (38eed64).
"""

from collections.abc import Callable, Mapping

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols.fgd import LACKS_FGD, fgd
from llavataros_jax.evaluation.protocols.genea_histogram import SpeedBins
from llavataros_jax.evaluation.protocols.genea_joints import (
    GENEA_FULL_BODY,
    GENEA_UPPER_BODY,
    LEGS,
)
from llavataros_jax.evaluation.protocols.genea_measures import (
    SOURCE,
    Centimetres,
    Year,
    doubled_centimetres,
    genea_measures,
    in_centimetres,
)
from llavataros_jax.evaluation.protocols.joint_names import chosen, has, require
from llavataros_jax.evaluation.protocols.motions import changed
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories


def protocol(options: ProtocolOptions) -> Protocol:
    """Returns the protocol of 2022: 58 joints of the full body or 54 of the upper, 30 fps.

    Quirks: positions have doubled offsets, where rotations are known (`bvh2npy.py`); the fixed hips
    are cut off flat arrays, 8 numbers of them; speeds beyond the last bin vanish. Without quirks
    bodies have their own size, 8 joints are cut, and the last bin takes what is faster.

    Raises:
        UserError: When the embedding cannot be used.
    """
    bins = SpeedBins() if options.quirks else SpeedBins(rank="joints", keeps_fast=True)
    year = Year("genea", "2022 (38eed64)", 30.0, bins, cca_iterations=1500)
    doubled = "doubled where rotations are known (PyMO)" if options.quirks else "as in the file"

    def joints_of(skeleton: Skeleton, clip: str) -> tuple[str, ...]:
        names = GENEA_FULL_BODY if has(skeleton, LEGS) else GENEA_UPPER_BODY
        require(skeleton, names, protocol=year.name, clip=clip)
        return names

    return assemble(
        year,
        options,
        says="For motion of the GENEA Challenges 2022 and 2023 (Talking With Hands); follows their "
        "numerical evaluations of 2022.",
        joints="of the list of 58 joints of the full body, or of 54 where there are no legs",
        joints_of=joints_of,
        centimetres=doubled_centimetres if options.quirks else in_centimetres,
        settings={"offsets of bones": doubled},
    )


def assemble(
    year: Year,
    options: ProtocolOptions,
    *,
    says: str,
    joints: str,
    joints_of: Callable[[Skeleton, str], tuple[str, ...]],
    centimetres: Centimetres,
    settings: Mapping[str, str],
) -> Protocol:
    """Returns the protocol of a challenge.

    Args:
        year: Its numbers.
        options: Of the user.
        says: Of the protocol.
        joints: Of the protocol.
        joints_of: Names of the joints of a skeleton that count; refuses one that lacks any.
        centimetres: Positions that are measured, cm.
        settings: What changes numbers beside what `year` says.
    """

    def prepare(performance: Performance) -> Performance:
        def brought(motion: Trajectories) -> Trajectories:
            names = joints_of(motion.skeleton, performance.clip)
            return at_rate(chosen(motion, names), year.fps)

        return changed(performance, brought)

    bins = year.bins
    measures = list(genea_measures(year, centimetres))
    lacks = [
        "FGD on raw windows: its covariance has the square of all numbers of a window, which is "
        "gigabytes for each column",
        "CCA of all recordings at once, which the reference prints beside that of each",
    ]
    if options.embedding is None:
        lacks.append(LACKS_FGD)
    else:
        measures.insert(0, fgd(options.embedding, drops_last_window=options.quirks))
    return Protocol(
        name=year.name,
        version=1,
        says=says,
        fps=year.fps,
        joints=joints,
        measures=tuple(measures),
        columns=COLUMNS,
        prepare=prepare,
        settings={
            "reference": f"{SOURCE}, branch {year.branch}",
            "quirks": "reproduced" if options.quirks else "corrected",
            "unit": "centimetres",
            "resampling": HOW,
            "histogram": f"bins of {bins.width:g} up to {bins.last:g} cm/s, {bins.cut} "
            f"{bins.rank} cut as hips, faster speeds "
            + ("in the last bin" if bins.keeps_fast else "left out"),
            **settings,
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=tuple(lacks),
    )
