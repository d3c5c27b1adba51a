"""Frame rate, and motion as the model's target."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class MotionConfig:
    """The frame rate of the model and how motion becomes its target.

    Attributes:
        fps: Frames per second that the model predicts.
        source_fps: Rate of all motion files, whatever they say; when not given, it is theirs, or
            found from the audio's length.
        bvh_metres_per_unit: Length of one BVH unit, such as 0.01. When not given, files that are
            read are in centimetres unless the body says otherwise, and those that are written are.
        up_axis: Axis of motion files that points up, which becomes y; `auto` measures it.
        cut_to_shorter: Cuts sound and motion of different lengths at the end of the shorter,
            where they would be refused.
        flexible_joints: Joints whose offset is predicted because it is not rigid; `auto` measures.
        rigid_tolerance_metres: An offset that deviates less than this is rigid.
        scaler: `standard` subtracts the mean and divides by the deviation; `minmax` brings the
            training motion to [-1, 1], as the scaler that the ancestor ships.
        scale_floor: Smallest scale by which a target dimension is divided.
    """

    fps: int = 30
    source_fps: float | None = None
    bvh_metres_per_unit: float | None = None
    up_axis: Literal["auto", "y", "z"] = "auto"
    cut_to_shorter: bool = False
    flexible_joints: tuple[str, ...] = ("auto",)
    rigid_tolerance_metres: float = 1e-5
    scaler: Literal["standard", "minmax"] = "standard"
    scale_floor: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("fps", "scale_floor"):
            require(getattr(self, name) > 0, f"motion.{name} must be positive", self)
        for name in ("source_fps", "bvh_metres_per_unit"):
            value = getattr(self, name)
            require(value is None or value > 0, f"motion.{name} must be positive or null", self)
        require(
            self.rigid_tolerance_metres >= 0,
            "motion.rigid_tolerance_metres must not be negative",
            self,
        )
