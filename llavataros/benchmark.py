"""Times our way beside the usual one, on the same work in the same run, and prints the ratio."""

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llavataros_jax.data.records import Shard, write_shard
from llavataros_jax.errors import UserError, door

EPILOG = """\
records   a segment out of a mapped shard | protobuf's reading of float lists of the same numbers
words     words projected, then spread over frames | spread over frames, then projected
dropout   dropout masks of one training step by threefry2x32 | by rbg
figure    a film frame's shapes drawn by OpenCV | by Pillow and by Matplotlib
pase      PASE+ of 10 s of sound in chunks, whole, and frame by frame | by PyTorch, when installed
stream    live frames one by one with cached keys and values | with memory of hidden states

Both ways take turns, so that a busy machine slows both; the medians of all turns are compared.
"""


PROGRAM = "llavataros benchmark"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and runs the benchmarks asked for."""
    given = build_parser(prog).parse_args(arguments)
    known = _known()
    unknown = set(given.which) - set(known)
    if unknown:
        raise UserError(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}, {given.turns} turns")
    for name in given.which or known:
        known[name](given.turns)
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("which", nargs="*", metavar="NAME", help="of those below; all by default")
    parser.add_argument("--turns", type=int, default=30, help="default: %(default)s")
    return parser


def _known() -> dict[str, Callable[[int], None]]:
    names = [name for name in globals() if name.startswith("time_")]
    return {name.removeprefix("time_"): globals()[name] for name in names}


def compare(work: str, ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Times all ways by turns and prints medians and how many times longer than the first.

    Returns:
        The medians in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 2):
        for name, way in ways.items():
            began = time.perf_counter()
            jax.block_until_ready(way())
            if turn >= 2:  # the first two compile and fill caches
                seconds[name].append(time.perf_counter() - began)
    medians = {name: float(np.median(spent)) for name, spent in seconds.items()}
    first = next(iter(medians.values()))
    print(work)
    for name, median in medians.items():
        print(f"  {name:<44} {1e6 * median:12.1f} µs  {median / first:8.2f} x")
    return medians


def time_records(turns: int) -> None:
    """Reads 90 of 3000 frames with 768 + 66 numbers each; the usual record is one such segment."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    random = np.random.default_rng(0)
    audio = random.standard_normal((3000, 768)).astype(np.float16)
    pose = random.standard_normal((3000, 66)).astype(np.float32)
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="list.proto", package="b", syntax="proto3")
    message = file.message_type.add(name="Segment")
    for number, name in enumerate(("audio", "pose"), 1):
        message.field.add(
            name=name, number=number, type=kinds.TYPE_FLOAT, label=kinds.LABEL_REPEATED
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    segment_class = message_factory.GetMessageClass(pool.FindMessageTypeByName("b.Segment"))
    whole = segment_class(audio=audio[:90].ravel().tolist(), pose=pose[:90].ravel().tolist())
    encoded = whole.SerializeToString()

    def usual() -> list[np.ndarray]:
        parsed: Any = segment_class.FromString(encoded)
        return [np.array(parsed.audio, np.float16), np.array(parsed.pose, np.float32)]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tfrecord"
        (offset,) = write_shard(path, [{"audio": audio.tobytes(), "pose": pose.tobytes()}])
        shard = Shard(path)

        def ours() -> list[np.ndarray]:
            record = shard.read(offset)
            return [
                np.frombuffer(record["audio"][0], np.float16).reshape(-1, 768)[:90].copy(),
                np.frombuffer(record["pose"][0], np.float32).reshape(-1, 66)[:90].copy(),
            ]

        ways = {"mapped bytes (ours)": ours, "protobuf float lists": usual}
        compare("reading a segment of 90 frames", ways, turns)


def time_words(turns: int) -> None:
    """Projects vectors of 4096 numbers to 1024 for 8 lanes of 90 frames with 30 words each."""
    keys = jax.random.split(jax.random.key(0), 3)
    words = jax.random.normal(keys[0], (8, 30, 4096))
    index = jax.random.randint(keys[1], (8, 90), 0, 30)
    kernel = jax.random.normal(keys[2], (4096, 1024))

    def spread(rows: jax.Array, index: jax.Array) -> jax.Array:
        return jnp.take_along_axis(rows, index[..., None], axis=1)

    ours = jax.jit(lambda words, index, kernel: spread(words @ kernel, index))
    usual = jax.jit(lambda words, index, kernel: spread(words, index) @ kernel)
    ways: dict[str, Callable[[], object]] = {
        "each word once (ours)": lambda: ours(words, index, kernel),
        "each frame": lambda: usual(words, index, kernel),
    }
    compare("projecting the words of 8 segments", ways, turns)


def time_dropout(turns: int) -> None:
    """Draws what one step of the demo's network drops: 12 lanes, 60 frames, 10 masks of 96."""

    def masks(bits: str) -> Callable[[], jax.Array]:
        draw = jax.jit(functools.partial(jax.random.bernoulli, p=0.9, shape=(10, 12, 60, 96)))
        return functools.partial(draw, jax.random.key(0, impl=bits))

    ways = {bits: masks(bits) for bits in ("threefry2x32", "rbg")}
    compare("dropout masks of a step", ways, turns)


def time_figure(turns: int) -> None:
    """Draws 24 anti-aliased capsules on 640 x 480 pixels, about what a frame of a film has."""
    import cv2
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon
    from PIL import Image, ImageDraw

    random = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    hulls = [
        random.uniform((80, 80), (560, 400)) + circle * random.uniform(8, 40, 2) for _ in range(24)
    ]
    canvas = np.full((480, 640, 3), 255, np.uint8)

    def by_opencv() -> np.ndarray:
        picture = canvas.copy()
        for hull in hulls:
            points = np.round(hull * 16).astype(np.int32)
            cv2.fillConvexPoly(picture, points, (200, 120, 90), cv2.LINE_AA, 4)
        return picture

    def by_pillow() -> np.ndarray:
        # Pillow draws polygons without anti-aliasing, so it must draw larger and shrink.
        picture = Image.new("RGB", (1280, 960), "white")
        draw = ImageDraw.Draw(picture)
        for hull in hulls:
            draw.polygon([tuple(point) for point in 2 * hull], fill=(90, 120, 200))
        return np.asarray(picture.resize((640, 480), Image.Resampling.BOX))

    figure = Figure(figsize=(6.4, 4.8), dpi=100)
    agg = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 640), ylim=(480, 0))
    axes.axis("off")
    patches = [Polygon(hull, facecolor="#5a78c8") for hull in hulls]
    for patch in patches:
        axes.add_patch(patch)

    def by_matplotlib() -> np.ndarray:
        for patch, hull in zip(patches, hulls, strict=True):
            patch.set_xy(hull)
        agg.draw()
        return np.asarray(agg.buffer_rgba())

    ways = {"OpenCV (ours)": by_opencv, "Pillow": by_pillow, "Matplotlib": by_matplotlib}
    compare("drawing the shapes of a film frame", ways, turns)


def time_pase(turns: int) -> None:
    """Encodes 10 s of noise with weights of noise, whose values change no time."""
    from llavataros_jax.pase.checkpoint import to_params
    from llavataros_jax.pase.features import pase_features
    from llavataros_jax.pase.layout import SAMPLE_RATE, checkpoint_shapes
    from llavataros_jax.pase.stream import encode_steps, encode_whole

    seconds, random = 10, np.random.default_rng(0)
    sound = random.uniform(-0.1, 0.1, seconds * SAMPLE_RATE).astype(np.float32)
    tensors = {
        name: random.uniform(0, 0.02, shape).astype(np.float32)
        for name, shape in checkpoint_shapes().items()
    }
    params = jax.device_put(to_params(tensors, source="noise"))
    ways: dict[str, Callable[[], object]] = {
        "in chunks (ours)": lambda: list(encode_steps(sound, params)),
        "whole (ours)": lambda: encode_whole(sound[None], params),
        "a window for each frame (ours)": lambda: pase_features(
            sound, params, num_frames=30 * seconds, mode="isolated"
        ),
    }
    try:
        from llavataros.pase_in_torch import TorchPase
    except ImportError as problem:
        print(f"{problem}, so PASE+ is not timed beside PyTorch")
    else:
        of_torch = TorchPase(tensors)
        starts = np.arange(30 * seconds) * SAMPLE_RATE // 30
        windows = np.pad(sound, (0, 1))[starts[:, None] + np.arange(534)]
        ways["whole (PyTorch)"] = lambda: of_torch(sound[None])
        ways["a window for each frame (PyTorch)"] = lambda: of_torch(windows)
    medians = compare(f"PASE+ of {seconds} s of sound", ways, turns)
    for name, median in medians.items():
        print(f"  {name:<44} {seconds / median:12.1f} s of sound a second")


def time_stream(turns: int) -> None:
    """Animates single live frames of two people at the published size, of one at AvatarOS size."""
    from llavataros_jax.batch import Speech
    from llavataros_jax.config import ModelConfig
    from llavataros_jax.config.file import load_config
    from llavataros_jax.inference.step import Frames, prepare, start, step
    from llavataros_jax.model import Sizes, build

    avataros = load_config(Path(__file__).parents[1] / "configs" / "avataros.yaml").model
    for config, sizes in (
        (ModelConfig(), Sizes(audio=768, text=4096, pose=66, speakers=2)),
        (avataros, Sizes(audio=132, text=128, pose=66, speakers=2)),
    ):
        model, one = build(config, sizes), np.ones((1, 1), bool)
        params = prepare(model, jax.jit(model.init)(jax.random.key(0)))
        random = np.random.default_rng(0)
        speech = Speech(
            audio=random.standard_normal((1, 1, sizes.audio)).astype(np.float16),
            words=random.standard_normal((1, 1, sizes.text)).astype(np.float16),
            word_index=np.zeros((1, 1), np.int32),
            speaker=np.zeros(1, np.int32),
        )
        present = np.full(1, config.cross_blocks > 0)
        frames = Frames(speech, speech, present, frame_mask=one, is_start=~one[0])
        # Without XLA's donation every call would copy what it remembers.
        cached = jax.jit(functools.partial(step, model, call_frames=1), donate_argnums=1)
        hidden = jax.jit(
            lambda params, memory, frames, model=model: model.apply(
                params.params,
                frames.main,
                frames.interlocutor,
                frames.interlocutor_present,
                frame_mask=frames.frame_mask,
                memory=memory,
            ),
            donate_argnums=1,
        )

        def live(
            run: Callable[..., Any], state: Any, params: Any = params, frames: Any = frames
        ) -> Callable[[], object]:
            states = [state]

            def frame() -> object:
                pose, states[0] = run(params, states[0], frames)
                return pose, states[0]

            return frame

        empty = start(model, lanes=1, call_frames=1)
        ways = {
            "keys and values in rings (ours)": live(cached, empty),
            "hidden states, projected again each frame": live(hidden, model.empty_memory(1)),
        }
        medians = compare(f"a live frame, {model.parameter_count():,} parameters", ways, turns)
        for name, median in medians.items():
            print(f"  {name:<44} {1e3 * median:12.2f} ms  {1 / median:8.0f} frames a second")


if __name__ == "__main__":
    sys.exit(main())
