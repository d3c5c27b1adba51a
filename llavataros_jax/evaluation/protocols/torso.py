"""Any upper body, with everything that we know how to measure (spec/evaluation.md, C6)."""

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.catalogue.choice import MEASURES
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols.alignment import with_alignment
from llavataros_jax.evaluation.protocols.fgd import LACKS_FGD, fgd, told
from llavataros_jax.evaluation.protocols.joint_names import chosen
from llavataros_jax.evaluation.protocols.motions import changed
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.trajectories import Trajectories

ROLES = ("trunk", "neck", "head", "clavicle", "upperarm", "forearm", "hand")


def protocol(options: ProtocolOptions) -> Protocol:
    """Returns the protocol.

    Raises:
        UserError: When a file of the options cannot be used.
    """
    learned, settings, lacks = [], {}, []
    if options.embedding:
        learned.append(fgd(options.embedding, drops_last_window=False))
        settings = told(options.embedding)
    else:
        lacks.append(LACKS_FGD)
    torso = Protocol(
        name="torso",
        version=1,
        says="Upper bodies of any skeleton; its numbers stand beside no other protocol's.",
        fps=None,
        joints="trunk, head and arms to the wrists, by their names",
        measures=(*learned, *MEASURES),
        columns=COLUMNS,
        prepare=_prepare,
        settings={"rate": f"that of the recorded motion; others are resampled, {HOW}", **settings},
        lacks=tuple(lacks),
    )
    return with_alignment(torso, options.alignment)


def _prepare(performance: Performance) -> Performance:
    def brought(motion: Trajectories) -> Trajectories:
        return at_rate(_upper_body(motion), performance.real.fps)

    return changed(performance, brought)


def _upper_body(trajectories: Trajectories) -> Trajectories:
    """Returns the joints of the upper body; of a body whose names say nothing, all of them."""
    roles = joint_roles(trajectories.skeleton)
    names = [
        name
        for name, role in zip(trajectories.skeleton.names, roles.role, strict=True)
        if role in ROLES
    ]
    if len(names) == trajectories.skeleton.num_joints:
        return trajectories
    return chosen(trajectories, names)
