"""What crosses from the data room into the model: speech of two people and the pose to learn.

Axis letters used in the whole project:
B lanes, T frames of a segment, M memory, S = M + T keys, N heads, H head width, D model,
F feed-forward, J joints, P pose, L layers, A audio features, W words, E word vector, Z components
of a pose, U width of a sampled head.
"""

import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Bool, Float, Int


class Speech(struct.PyTreeNode):
    """One person's speech over a segment, in lanes.

    `word_index[b, t]` is the row of `words[b]` active on frame t, or -1 in silence: words are
    stored once each and spread over frames on the device. What belongs to no existing frame may
    hold anything: the network clears it.
    """

    audio: Float[Array | np.ndarray, "B T A"]
    words: Float[Array | np.ndarray, "B W E"]
    word_index: Int[Array | np.ndarray, "B T"]
    speaker: Int[Array | np.ndarray, " B"]


class Batch(struct.PyTreeNode):
    """One segment of every lane.

    `pose` is the un-normalised target of `PoseCodec` (metres and 6D rotations); `frame_mask` is
    False on padding; `is_start` marks the lanes in which a clip begins with this segment.
    """

    main: Speech
    interlocutor: Speech
    interlocutor_present: Bool[Array | np.ndarray, " B"]
    pose: Float[Array | np.ndarray, "B T P"]
    frame_mask: Bool[Array | np.ndarray, "B T"]
    is_start: Bool[Array | np.ndarray, " B"]
