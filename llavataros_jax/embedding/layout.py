"""The sizes of the autoencoder, and where GENEA's checkpoints keep each of its arrays.

Source of names and sizes: `embedding_net.py` of the GENEA numerical evaluations
(github.com/genea-workshop/genea_numerical_evaluations, folder FGD), for windows of any length.
"""

from dataclasses import dataclass

from llavataros_jax.errors import UserError

FEATURES = 32
LEAST_FRAMES = 12
# The decoder lays the frames of a window out in so many channels before it convolves.
DECODER_CHANNELS = 4

# Our path of each layer, its place in a checkpoint, and its kind.
LAYERS = (
    ("encoder.convs.0", "pose_encoder.net.0.0", "conv"),
    ("encoder.conv_norms.0", "pose_encoder.net.0.1", "norm"),
    ("encoder.convs.1", "pose_encoder.net.1.0", "conv"),
    ("encoder.conv_norms.1", "pose_encoder.net.1.1", "norm"),
    ("encoder.convs.2", "pose_encoder.net.2.0", "conv"),
    ("encoder.conv_norms.2", "pose_encoder.net.2.1", "norm"),
    ("encoder.convs.3", "pose_encoder.net.3", "conv"),
    ("encoder.dense.0", "pose_encoder.out_net.0", "dense"),
    ("encoder.dense_norms.0", "pose_encoder.out_net.1", "norm"),
    ("encoder.dense.1", "pose_encoder.out_net.3", "dense"),
    ("encoder.dense_norms.1", "pose_encoder.out_net.4", "norm"),
    ("encoder.dense.2", "pose_encoder.out_net.6", "dense"),
    ("decoder.dense.0", "decoder.pre_net.0", "dense"),
    ("decoder.dense_norms.0", "decoder.pre_net.1", "norm"),
    ("decoder.dense.1", "decoder.pre_net.3", "dense"),
    ("decoder.convs.0", "decoder.net.0", "transposed"),
    ("decoder.conv_norms.0", "decoder.net.1", "norm"),
    ("decoder.convs.1", "decoder.net.3", "transposed"),
    ("decoder.conv_norms.1", "decoder.net.4", "norm"),
    ("decoder.convs.2", "decoder.net.6", "conv"),
    ("decoder.convs.3", "decoder.net.7", "conv"),
)
# Names of a layer's arrays: ours, and the checkpoint's.
ARRAYS = {
    "conv": (("kernel", "weight"), ("bias", "bias")),
    "transposed": (("kernel", "weight"), ("bias", "bias")),
    "dense": (("kernel", "weight"), ("bias", "bias")),
    "norm": (
        ("scale", "weight"),
        ("bias", "bias"),
        ("mean", "running_mean"),
        ("var", "running_var"),
    ),
}


@dataclass(frozen=True)
class Layout:
    """The sizes of an autoencoder.

    Attributes:
        frames: Frames of a window.
        dims: Numbers of a frame, three for each joint.
        identity_leaky: Whether nothing bends between the dense layers. GENEA's code says
            `nn.LeakyReLU(True)` there, which is a slope of 1, the identity; with False it is
            PyTorch's own slope of 0.01, which that True took the place of.

    Raises:
        UserError: When a window is too short for the convolutions, or there is no joint.
    """

    frames: int
    dims: int
    identity_leaky: bool = True

    def __post_init__(self) -> None:
        if self.frames < LEAST_FRAMES:
            raise UserError(
                f"windows of {self.frames} frames are too short for the embedding's convolutions; "
                f"choose {LEAST_FRAMES} frames or more"
            )
        if self.dims < 3 or self.dims % 3:
            raise UserError(
                f"an embedding of {self.dims} numbers a frame is none of joints, which have x, y "
                "and z each"
            )

    @property
    def encoded_frames(self) -> int:
        """Frames that are left after the encoder's convolutions."""
        return (self.frames - 8) // 2 - 1
