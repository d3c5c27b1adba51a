"""The GENEA Challenge 2026: upper bodies of Seamless Interaction, five samples.

Sources: github.com/genea-workshop/2026 (5c8356f), the challenge's page and rules, and
github.com/genea-workshop/seamless_visualizer (9fb65e5), which holds legs still. People judge there;
the page shows automatic measures "for reference", and for them names the leaderboard's code.
"""

from pathlib import Path

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.joint_names import chosen
from llavataros_jax.evaluation.protocols.motions import changed
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate
from llavataros_jax.evaluation.protocols.sampled import (
    FRECHET_DRAWS,
    SAMPLES,
    SOURCE,
    sampled_measures,
)
from llavataros_jax.evaluation.protocols.smplx_joints import SMPLX_JOINTS
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.trajectories import Trajectories

_NOT_UPPER = ("hip", "knee", "ankle", "foot", "jaw", "eye")
UPPER_BODY = tuple(name for name in SMPLX_JOINTS if not any(part in name for part in _NOT_UPPER))


def protocol(options: ProtocolOptions, *, mean_speeds: Path | None = None) -> Protocol:
    """Returns the protocol: the leaderboard's measures on the joints of the upper body, 30 fps.

    Quirks: whether a joint moves is looked up 60 frames before a beat. Without them the beat's own
    frame counts.

    Args:
        options: Of the user.
        mean_speeds: EMAGE's `mean_vel_smplxflame_30.npy`; when not given, the recording's own.

    Raises:
        UserError: When a file cannot be used.
    """

    def prepare(performance: Performance) -> Performance:
        def brought(motion: Trajectories) -> Trajectories:
            motion = beat2.smplx_joints(motion, protocol="genea2026", clip=performance.clip)
            return at_rate(chosen(motion, UPPER_BODY), beat2.FPS)

        return changed(performance, brought)

    return Protocol(
        name="genea2026",
        version=1,
        says="For upper bodies of SMPL-H as in Seamless Interaction, five samples of each clip; "
        "the GENEA leaderboard's measures, because the challenge of 2026 names no others.",
        fps=beat2.FPS,
        joints="those of SMPL-H's pelvis, trunk, head, arms and hands that the motion has",
        measures=sampled_measures(options, mean_speeds=mean_speeds, semantics=None),
        columns=COLUMNS,
        prepare=prepare,
        samples=SAMPLES,
        settings={
            "reference": SOURCE,
            "quirks": "reproduced" if options.quirks else "corrected",
            "samples": f"{SAMPLES} of each clip, all pooled",
            "mean speeds": str(mean_speeds or beat2.MEAN_SPEEDS),
            "intervals": f"clips are drawn, {FRECHET_DRAWS} times for Fréchet distances",
            "resampling": HOW,
            **({"embedding": str(options.embedding)} if options.embedding else {}),
        },
        lacks=(
            "what the challenge has not published: which automatic measures it shows, on which "
            "segments, and by which autoencoder",
            "people's judgement of realism, of alignment with speech, with a keyword and with the "
            "other person, by which it ranks",
            "the mean turn of neck and head, which its renderer takes away",
            beat2.LACKS[0],
        ),
    )
