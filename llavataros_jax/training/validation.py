"""Loss on whole held-out clips, and what doing nothing would score."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from llavataros_jax.batch import Batch
from llavataros_jax.config import LossConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import whole_clips
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.still_pose import still_pose
from llavataros_jax.training.carry import Carry, empty_carry
from llavataros_jax.training.flow_loss import flow_loss
from llavataros_jax.training.hosts_same import from_leader
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.losses import Terms, weighted_loss
from llavataros_jax.training.parallel import Launcher
from llavataros_jax.training.step import evaluate_step


class Validation:
    """Measures parameters on the held-out clips, each from its first frame to its last."""

    def __init__(
        self,
        reader: ClipReader,
        model: GestureModel,
        codec: PoseCodec,
        loss: LossConfig,
        launcher: Launcher,
        *,
        max_lanes: int,
        liveliness: Liveliness | None = None,
    ):
        """Compiles nothing yet; `max_lanes` bounds the memory of a validation step."""
        count = len(launcher.devices)
        self.lanes = max(1, min(max_lanes, len(reader)) // count) * count
        self.reader, self.model, self.codec = reader, model, codec
        self.loss, self.launcher, self.liveliness = loss, launcher, liveliness
        # Two programs for all validations and baselines; XLA compiles each at its first call.
        self._network = launcher.evaluate(self._of_network)
        self._constant = launcher.evaluate(self._of_pose)

    def __call__(self, params: Params) -> dict[str, float]:
        """Returns the loss and its terms (`loss`, `loss/velocity`, …) of the network."""
        return self._measure(self._network, params)

    def baseline(self, pose: Float[np.ndarray, " P"]) -> float:
        """Returns the loss of holding one normalised pose for the whole of every clip."""
        return self._measure(self._constant, jnp.asarray(pose, jnp.float32))["loss"]

    def baselines(self, train_clips: ClipReader) -> dict[str, float]:
        """Returns the losses of the mean pose and of the frame of training nearest to it."""
        # The others would fetch clips from a bucket of which they read none otherwise.
        found = self._still_pose(train_clips).tolist() if jax.process_index() == 0 else None
        still = np.asarray(from_leader(found), np.float32)
        return {
            "validation/baseline/mean_pose": self.baseline(np.zeros_like(still)),
            "validation/baseline/still_pose": self.baseline(still),
        }

    def _still_pose(self, train_clips: ClipReader) -> Float[np.ndarray, " P"]:
        codec = self.codec
        poses = (
            np.asarray(codec.normalise(np.asarray(train_clips[clip]["pose"])))
            for clip in range(len(train_clips))
        )
        return still_pose(poses, np.zeros(codec.pose_size, np.float32))

    def _of_network(
        self, params: Params, carry: Carry, batch: Batch, *, axis_name: str | None = None
    ) -> tuple[Carry, dict[str, Terms]]:
        return self._step(params, carry, batch, constant_pose=None, axis_name=axis_name)

    def _of_pose(
        self,
        pose: Float[Array, " P"],
        carry: Carry,
        batch: Batch,
        *,
        axis_name: str | None = None,
    ) -> tuple[Carry, dict[str, Terms]]:
        return self._step({}, carry, batch, constant_pose=pose, axis_name=axis_name)

    def _step(
        self,
        params: Params,
        carry: Carry,
        batch: Batch,
        *,
        constant_pose: Float[Array, " P"] | None,
        axis_name: str | None,
    ) -> tuple[Carry, dict[str, Terms]]:
        return evaluate_step(
            params,
            carry,
            batch,
            model=self.model,
            codec=self.codec,
            liveliness=self.liveliness,
            constant_pose=constant_pose,
            axis_name=axis_name,
        )

    def _batches(self) -> Iterator[Batch]:
        return whole_clips(
            self.reader,
            lanes=self.lanes,
            segment_frames=self.model.config.segment_frames,
            lookahead_frames=self.model.config.lookahead_frames,
            own_lanes=self.launcher.own_lanes(self.lanes),
        )

    def _measure(self, step: Callable, given: Params | Float[Array, " P"]) -> dict[str, float]:
        carry = self.launcher.init(lambda: empty_carry(self.model, self.lanes))
        totals = []
        for batch in self._batches():
            carry, total = step(given, carry, self.launcher.place(batch))
            totals.append(total)
        # One transfer at the end; sums of many batches are added in float64.
        added = jax.tree.map(
            lambda *values: np.sum(np.asarray(values, np.float64)), *jax.device_get(totals)
        )
        sums, weights = added["sums"], added["weights"]
        terms = {f"loss/{name}": sums[name] / max(weights[name], 1.0) for name in sums}
        regression = float(weighted_loss(sums, weights, self.loss))
        sampling = self.model.sampling
        if sampling is None or "flow" not in sums:
            return {"loss": regression, **terms}
        flow = float(flow_loss(sums, weights, sampling.flow))
        return {"loss": regression + flow, "loss/regression": regression, **terms}
