"""Rest poses that differ between the files of one speaker, and which one all are told in."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from data_prep.clips.prepared_clip import PreparedClip
from llavataros_jax.motion.rest_pose import rest_difference
from llavataros_jax.motion.skeleton import Skeleton

# Between the arms out and down there are 30 degrees and more; a body that is measured anew for
# each session differs by a few.
_SAME_DEGREES = 10.0


@dataclass(frozen=True, eq=False)
class RestPose:
    """The rest pose that a clip's motion is to be told in.

    Attributes:
        skeleton: A skeleton in this pose.
        note: What the user should know.
    """

    skeleton: Skeleton
    note: str


def other_rest_poses(clips: Mapping[str, PreparedClip]) -> dict[str, RestPose]:
    """Finds the clips whose rest pose is not that of most other clips of their speaker.

    Without this, the same rotations would be other postures from clip to clip.

    Args:
        clips: Clips with motion, all of one structure, by name.

    Returns:
        For each of these clips, the pose of the others.
    """
    groups: dict[str, list[list[PreparedClip]]] = defaultdict(list)
    for _, clip in sorted(clips.items()):
        for group in groups[clip.clip.speaker]:
            if rest_difference(_skeleton(clip), _skeleton(group[0]))[0] <= _SAME_DEGREES:
                group.append(clip)
                break
        else:
            groups[clip.clip.speaker].append([clip])
    found: dict[str, RestPose] = {}
    for speaker, of_speaker in groups.items():
        common = max(of_speaker, key=len)[0]
        assert common.clip.motion is not None
        for clip in (clip for group in of_speaker for clip in group if group[0] is not common):
            degrees, joint = rest_difference(_skeleton(clip), _skeleton(common))
            note = (
                f"the bone to {joint} points {degrees:.0f}° elsewhere in its rest pose than in "
                f"{common.clip.motion.name}, as most of {speaker} have it; its rotations are "
                "told in that pose, and positions are the same"
            )
            found[clip.clip.name] = RestPose(_skeleton(common), note)
    return found


def _skeleton(clip: PreparedClip) -> Skeleton:
    assert clip.skeleton is not None
    return clip.skeleton
