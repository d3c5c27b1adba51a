"""Whether another program computes what our network computes: poses, memory and gradients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import torch

from llavataros.benchmark.train_in_torch import Segment, TorchNetwork, from_ours
from llavataros.benchmark.train_task import Task, features
from llavataros_jax.batch import Batch
from llavataros_jax.errors import UserError

FORWARD_TOLERANCE = 1e-4
# Of the length of a tensor's gradient. A rectifier whose input is rounded to the other side of
# zero changes the gradient of one unit in one frame.
GRADIENT_TOLERANCE = 5e-3
LANES = 2


@dataclass(frozen=True)
class Reference:
    """What our network computes of a segment without dropout.

    Attributes:
        task: Its sizes.
        batch: The segment.
        direction: (B, T, P) what poses are multiplied by, and summed, before the gradient is taken.
        pose: Poses.
        memory: (B, L, M, D) hidden states of the next memory.
        params: Parameters.
        gradient: Gradient by the parameters.
    """

    task: Task
    batch: Batch
    direction: np.ndarray
    pose: np.ndarray
    memory: np.ndarray
    params: Any
    gradient: Any

    @classmethod
    def of(cls, task: Task) -> "Reference":
        """Runs our network in float32."""
        model, params = task.model(dropout=0.0), task.params()
        batch, memory = task.batch(0, LANES), task.memory(LANES)
        direction = np.random.default_rng(4).standard_normal(batch.pose.shape, np.float32)

        def along(params: Any) -> Any:
            pose, after = model.apply(
                params,
                batch.main,
                batch.interlocutor,
                batch.interlocutor_present,
                frame_mask=batch.frame_mask,
                memory=memory,
            )
            return (pose * direction).sum(), (pose, after.hidden)

        (_, (pose, hidden)), gradient = jax.jit(jax.value_and_grad(along, has_aux=True))(params)
        return cls(
            *(task, batch, direction, np.asarray(pose), np.asarray(hidden), params),
            jax.tree.map(np.asarray, gradient),
        )


@dataclass(frozen=True)
class Differences:
    """How far another program is from ours.

    Attributes:
        pose: Largest absolute difference of poses.
        memory: Of the memory.
        gradient: Largest length of a difference of gradients, as a share of the gradient's.
        tensor: The tensor of that gradient.
    """

    pose: float
    memory: float
    gradient: float
    tensor: str

    def __str__(self) -> str:
        return (
            f"poses differ by {self.pose:.1e} and memory by {self.memory:.1e} at most "
            f"({FORWARD_TOLERANCE:g} allowed), gradients by {self.gradient:.1e} of their length "
            f"({GRADIENT_TOLERANCE:g} allowed; {self.tensor})"
        )

    def check(self, name: str) -> None:
        """Refuses a program that computes something else.

        Raises:
            UserError: When a difference is above its tolerance, or no number.
        """
        forward = np.max([self.pose, self.memory])
        if not (forward <= FORWARD_TOLERANCE and self.gradient <= GRADIENT_TOLERANCE):
            raise UserError(f"{name} is not our network, so nothing is timed: {self}")


class Form(NamedTuple):
    """How a network in PyTorch has what ours has.

    Attributes:
        tensors: Turns our parameters, or gradients by them, into its tensors by name.
        memory: Turns our hidden states (B, L, M, D) into its memory.
        hidden: Turns its memory back.
    """

    tensors: Callable[[Mapping[str, Any]], Mapping[str, np.ndarray]]
    memory: Callable[[torch.Tensor], Any]
    hidden: Callable[[Any], torch.Tensor]


RESTATED = Form(
    tensors=from_ours,
    memory=lambda hidden: hidden.transpose(0, 1).contiguous(),
    hidden=lambda memory: memory.transpose(0, 1),
)


def differences(
    reference: Reference, network: torch.nn.Module, form: Form = RESTATED, device: str = "cpu"
) -> Differences:
    """Gives a network our parameters, which it keeps, and compares a segment without dropout.

    Raises:
        UserError: When it has no place for some of the parameters.
    """
    tensors = {
        name: torch.from_numpy(x.copy()) for name, x in form.tensors(reference.params).items()
    }
    _, unexpected = network.load_state_dict(tensors, strict=False)
    if unexpected:
        raise UserError(f"the network in PyTorch has no {', '.join(unexpected)}")
    network.to(device).eval()
    segment = [part.to(device) for part in to_segment(reference.task, reference.batch)[:4]]
    pose, memory = network(*segment, form.memory(full_memory(reference.task, LANES, device)))
    (pose * torch.from_numpy(reference.direction).to(device)).sum().backward()
    errors, of_network = {}, dict(network.named_parameters())
    for name, expected in form.tensors(reference.gradient).items():
        gradient = of_network[name].grad
        found = np.zeros_like(expected) if gradient is None else gradient.cpu().numpy()
        size = max(float(np.linalg.norm(expected)), np.finfo(np.float32).tiny)
        errors[name] = float(np.linalg.norm(found - expected)) / size
    network.zero_grad(set_to_none=True)
    worst = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    hidden = form.hidden(memory).detach().cpu().numpy()
    return Differences(
        pose=float(np.abs(pose.detach().cpu().numpy() - reference.pose).max()),
        memory=float(np.abs(hidden - reference.memory).max()),
        gradient=errors[worst],
        tensor=worst,
    )


def full_memory(task: Task, lanes: int, device: str) -> torch.Tensor:
    """Returns a memory full of noise, as `Task.memory` has it."""
    return torch.from_numpy(np.array(task.memory(lanes).hidden)).to(device)


def to_segment(task: Task, batch: Batch) -> Segment:
    """Returns a batch as PyTorch takes it."""
    return Segment(
        main=torch.from_numpy(features(batch.main)),
        other=torch.from_numpy(features(batch.interlocutor)),
        main_speaker=torch.from_numpy(np.asarray(batch.main.speaker, np.int64)),
        other_speaker=torch.from_numpy(np.asarray(batch.interlocutor.speaker, np.int64)),
        target=torch.from_numpy(np.array(task.codec.normalise(np.asarray(batch.pose)), np.float32)),
    )


def restated(reference: Reference, device: str = "cpu") -> tuple[TorchNetwork, Differences]:
    """Returns the network in PyTorch with our parameters, and how far it is from ours."""
    task = reference.task
    network = TorchNetwork(task.config, task.sizes, fused=device != "cpu")
    return network, differences(reference, network, device=device)
