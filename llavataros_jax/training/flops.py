"""FLOP of a training step, counted from the network: one line for each matrix product.

A product of two arrays costs two FLOP (a multiplication and an addition) for each combination of
the letters of its einsum. Its backward pass is one product for each operand whose gradient is
needed: features, sinusoids, noise and the memory of post-norm blocks need none. What is not a
product (softmax, norms, dropout, kinematics) is left out, as is usual for utilisation (Chowdhery et
al., PaLM, 2022, appendix B): by XLA's count 0.2 % more at the published size, 2 % at width 128.

Letters are those of `batch.py`, and: L speakers, C their embedding, K distances that a query sees,
Q flow times and noises of a segment, X = 2 U inside a block of the sampled head, V = 3 U its
modulation, G features of flow time, I remembered poses, R frames again, Y model again, O one.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llavataros_jax.config import FlowConfig, ModelConfig
from llavataros_jax.model import GestureModel, Sizes

# Of the optimiser, for each parameter: AdamW 16, the gradient's norm 2, clipping 3, average 3.
ADAMW_FLOP, NORM_FLOP, CLIPPING_FLOP, AVERAGE_FLOP = 16, 2, 3, 3
_TIME_FEATURES = 64
# Products that stay float32 whatever `model.compute_dtype` is.
_FULL = {
    "pose",
    "speaker table",
    "noise",
    "components",
    "enter",
    "recall",
    "leave",
    "pace",
    "poses",
}


@dataclass(frozen=True)
class Product:
    """A matrix product of the step, and those that its gradient needs.

    Attributes:
        part: Part of the network.
        name: What it computes.
        equation: Its einsum.
        gradients: The einsums of its backward pass.
        times: How often the step has it.
        forward_flop: FLOP of the forward pass, all times together.
        backward_flop: FLOP of the backward pass.
    """

    part: str
    name: str
    equation: str
    gradients: tuple[str, ...]
    times: int
    forward_flop: int
    backward_flop: int

    @property
    def is_float32(self) -> bool:
        """Whether it is float32 whatever `model.compute_dtype` is."""
        return self.name in _FULL

    @property
    def flop(self) -> int:
        """FLOP of both passes."""
        return self.forward_flop + self.backward_flop


def step_products(
    model: ModelConfig,
    sizes: Sizes,
    *,
    lanes: int,
    segment_words: int,
    flow: FlowConfig | None = None,
    components: int = 0,
) -> tuple[Product, ...]:
    """Lists the matrix products of a training step.

    Args:
        model: Options of the network, with `cross_blocks` chosen.
        sizes: What the data decides.
        lanes: Rows of the batch.
        segment_words: Rows of word vectors of a lane's segment, padding included.
        flow: Options of a sampled head; None for regression alone.
        components: Components of its poses.
    """
    frames, past = model.segment_frames, model.memory_frames
    letters = {
        "B": lanes, "T": frames, "R": frames, "M": past, "S": past + frames, "K": model.span,
        "A": sizes.audio, "W": segment_words, "E": sizes.text, "P": sizes.pose, "O": 1,
        "L": sizes.speakers, "C": model.d_speaker, "D": model.d_model, "Y": model.d_model,
        "F": model.d_inner, "N": model.heads, "H": model.d_head,
    }  # fmt: skip
    people = 1 + bool(model.cross_blocks)
    blocks = model.self_blocks + model.cross_blocks
    found = [*_frontend(model, people)]
    found += _attention("attention", model.norm == "pre", blocks)
    found += [
        ("feed-forward", "expand", "BTD,DF->BTF", "both", blocks),
        ("feed-forward", "contract", "BTF,FD->BTD", "both", blocks),
        ("output", "pose", "BTD,DP->BTP", "both", 1),
    ]
    if flow is not None:
        width = flow.width
        letters |= {
            "Q": flow.repeats, "Z": components, "U": width, "X": 2 * width, "V": 3 * width,
            "G": _TIME_FEATURES, "I": flow.history_frames * components,
        }  # fmt: skip
        found += _flow_head(flow)
    return tuple(_product(letters, *row) for row in found)


_Row = tuple[str, str, str, str, int]


def _frontend(model: ModelConfig, people: int) -> Iterator[_Row]:
    """Yields the products of the front end; no gradient is needed of features."""
    part, variant = "front end", model.variant

    def layer(*, audio: bool, text: bool) -> Iterator[_Row]:
        yield part, "speaker", "BC,CD->BD", "both", people
        if audio:
            yield part, "sound", "BTA,AD->BTD", "kernel", people
        if text:
            yield part, "words", "BWE,ED->BWD", "kernel", people
            yield part, "words to frames", "BTW,BWD->BTD", "kernel", people
            if model.word_bit:
                yield part, "word bit", "BTO,OD->BTD", "kernel", people

    yield part, "speaker table", "BL,LC->BC", "kernel", people
    if variant != "cross":
        yield from layer(audio=variant != "text", text=variant != "audio")
        return
    yield from layer(audio=True, text=False)
    yield from layer(audio=False, text=True)
    yield from _attention(part, False, people)
    yield part, "speaker", "BC,CD->BD", "both", people
    yield part, "join", "BTD,DY->BTY", "both", people


def _attention(part: str, normed_memory: bool, times: int) -> Iterator[_Row]:
    """Yields the products of an attention over memory and segment.

    No gradient goes on into the memory, except that a norm before the keys (pre-norm) has a scale
    and an offset which need it.
    """
    keys = "both" if normed_memory else "kernel, segment"
    yield part, "queries", "BTD,DNH->BTNH", "both", times
    yield part, "keys of memory and segment", "BSD,DNH->BSNH", keys, times
    yield part, "values of memory and segment", "BSD,DNH->BSNH", keys, times
    yield part, "distances", "KD,DNH->KNH", "kernel", times
    yield part, "scores by distance", "BTNH,KNH->BNTK", "both", times
    yield part, "scores by content", "BTNH,BSNH->BNTS", "both", times
    yield part, "weighted values", "BNTS,BSNH->BTNH", "both", times
    yield part, "output", "BTNH,NHD->BTD", "both", times


def _flow_head(flow: FlowConfig) -> Iterator[_Row]:
    """Yields the products of the sampled head and of what it is trained on."""
    part, blocks = "flow head", flow.blocks
    yield part, "noise", "ZTR,QBRZ->QBTZ", "none", 1
    yield part, "components", "BTP,PZ->BTZ", "none", 1 + (flow.target == "residual")
    yield part, "enter", "QBTZ,ZU->QBTU", "kernel", 1
    yield part, "hear", "BTD,DU->BTU", "both", 1
    if flow.history_frames:
        yield part, "recall", "BTI,IU->BTU", "kernel", 1
    yield part, "up", "QBTU,UX->QBTX", "both", blocks
    yield part, "down", "QBTX,XU->QBTU", "both", blocks
    yield part, "modulation by speech", "BTU,UV->BTV", "both", blocks
    yield part, "modulation by time", "QBG,GV->QBV", "kernel", blocks
    yield part, "leave", "QBTU,UZ->QBTZ", "both", 1
    yield part, "pace", "BTD,DO->BTO", "kernel", 1
    if flow.geometric:
        yield part, "poses", "BTZ,ZP->BTP", "input", 1


def _product(
    letters: Mapping[str, int], part: str, name: str, equation: str, needed: str, times: int
) -> Product:
    first, second, result = equation.replace("->", ",").split(",")
    of_input, of_kernel = f"{result},{second}->{first}", f"{first},{result}->{second}"
    gradients = {
        "none": (),
        "input": (of_input,),
        "kernel": (of_kernel,),
        "both": (of_input, of_kernel),
        "kernel, segment": (of_input.replace("S", "T"), of_kernel),
    }[needed]
    forward = times * _flop(letters, equation)
    backward = times * sum(_flop(letters, gradient) for gradient in gradients)
    return Product(part, name, equation, gradients, times, forward, backward)


def _flop(letters: Mapping[str, int], equation: str) -> int:
    """Returns 2 for each combination of the letters of an einsum."""
    return 2 * math.prod(letters[letter] for letter in set(equation) - set(",->"))


def optimizer_flop(parameters: int, *, clips: bool, averages: bool) -> int:
    """Returns the FLOP of an update, which costs memory traffic far more than arithmetic."""
    each = ADAMW_FLOP + NORM_FLOP + CLIPPING_FLOP * clips + AVERAGE_FLOP * averages
    return parameters * each


def flop_per_frame(model: GestureModel, *, lanes: int, segment_words: int) -> float:
    """Returns what training costs for a frame, to tell FLOP a second from frames a second."""
    sampling = model.sampling
    products = step_products(
        model.config,
        model.sizes,
        lanes=lanes,
        segment_words=segment_words,
        flow=None if sampling is None else sampling.flow,
        components=0 if sampling is None else sampling.basis.size,
    )
    return sum(p.flop for p in products) / (lanes * model.config.segment_frames)
