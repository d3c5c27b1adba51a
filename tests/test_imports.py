"""The law of who may import whom, over the syntax trees of all files."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM, PREPARATION, MODEL = "llavataros", "data_prep", "llavataros_jax"
FRAMEWORKS = (
    "torch",
    "tensorflow",
    "tensorflow_datasets",
    "whisper",
    "faster_whisper",
    "ctranslate2",
)
# Packages from the top down; a package may import those that come after it.
PACKAGES = ("scripts", PROGRAM, PREPARATION, MODEL)
# Root files of the model's package that every room reads; motion reads the first two alone.
SHARED = ("errors", "atomic", "lock", "packages", "listing", "compilation_cache", "config", "batch")
FLOORS = {
    MODEL: (
        {"train", "evaluate"},
        {"ancestor", "report", "run_options"},
        {"trained"},
        {"inference", "evaluation", "training", "rendering"},
        {"network"},
        {"alignment", "data", "embedding", "model", "pase", "rig"},
        {"sound", "storage", "weights", "motion"},
    ),
    PREPARATION: (
        {"__main__"},
        {"doctor"},
        {"run"},
        {"records", "sources"},
        {"arriving", "clips"},
        {"align", "vectors"},
        {"listen"},
        {"words", "sound"},
        {"machine"},
    ),
}
# One room per foreign library.
ROOMS = {
    "orbax": ("llavataros_jax.training.checkpoint",),
    "tensorboardX": ("llavataros_jax.training.tracking",),
    "flax.nnx": (
        "llavataros_jax.alignment",
        "llavataros_jax.embedding",
        "llavataros_jax.model",
        "llavataros_jax.pase",
    ),
    "grain": ("llavataros_jax.data",),
    "safetensors": ("llavataros_jax.weights", "data_prep.vectors"),
    "fsspec": ("llavataros_jax.storage",),
    "google_crc32c": ("llavataros_jax.data.records",),
    "pxr": ("llavataros_jax.rig.usd",),
    "fastapi": ("llavataros.serve",),
    "pythonosc": ("llavataros.live",),
    "av": ("data_prep.arriving",),
    "soundfile": (
        "llavataros_jax.sound",
        "data_prep.align.mfa",
        "data_prep.corpus",
        "data_prep.doctor",
    ),
}
PREPARATION_READS = (*SHARED, "data", "motion", "pase", "sound", "storage")


def imports(tree: ast.AST) -> Iterator[str]:
    """Yields the dotted name of everything imported, at any depth and under any condition."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def room_of(package: str, name: str) -> str:
    return (*name.split("."), "")[1] if within(name, package) else ""


def floor(package: str, room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS[package]) if room in rooms)


def is_lawful(module: str, name: str) -> bool:
    for library, rooms in ROOMS.items():
        if within(name, library) and not any(within(module, room) for room in rooms):
            return False
    package, room, *_ = (*module.split("."), "")
    imported = next((other for other in PACKAGES if within(name, other)), None)
    if imported is None:
        is_framework = any(within(name, framework) for framework in FRAMEWORKS)
        return package != MODEL or not is_framework
    if PACKAGES.index(imported) < PACKAGES.index(package):
        return False
    inner = room_of(imported, name)
    if imported != package:
        return package != PREPARATION or not inner or inner in PREPARATION_READS
    if package not in FLOORS or not inner or inner == room:
        return True
    if "corpus" in (room, inner):
        return False  # the generator of the corpus stands alone
    if package == PREPARATION:
        return floor(package, inner) > floor(package, room)
    if room == "motion" or room in SHARED:
        return inner in ("errors", "atomic")
    return inner in SHARED or floor(package, inner) > floor(package, room)


def test_imports_obey_the_law():
    broken, seen = [], 0
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found = list(imports(tree))
            seen += len(found)
            broken += [f"{module} imports {name}" for name in found if not is_lawful(module, name)]
    assert seen
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("module", "name", "lawful"),
    [
        ("llavataros_jax.train", "llavataros_jax.training.step.step", True),
        ("llavataros_jax.training.step", "llavataros_jax.model.gesture.Gesture", True),
        ("llavataros_jax.data.manifest", "llavataros_jax.motion.codec.PoseCodec", True),
        ("llavataros_jax.data.loader", "llavataros_jax.batch.Batch", True),
        ("llavataros_jax.batch", "flax.struct", True),
        ("data_prep.align.choice", "llavataros_jax.config.Config", True),
        ("llavataros.demo", "llavataros_jax.train.main", True),
        ("llavataros_jax.model.gesture", "llavataros_jax.data.loader", False),
        ("llavataros_jax.motion.codec", "llavataros_jax.config.Config", False),
        ("llavataros_jax.training.step", "llavataros_jax.inference.animate", False),
        ("llavataros_jax.training.step", "orbax.checkpoint", False),
        ("llavataros_jax.training.step", "flax.nnx", False),
        ("llavataros_jax.config", "llavataros_jax.batch.Batch", False),
        ("llavataros_jax.data.records", "tensorflow.io", False),
        ("llavataros_jax.train", "data_prep.words.word.Word", False),
        ("llavataros_jax.train", "llavataros.animate.main", False),
        ("llavataros_jax.training.step", "torch", False),
        ("data_prep.run.pipeline", "llavataros.animate.main", False),
        ("data_prep.align.choice", "llavataros_jax.model.gesture", False),
        ("data_prep.words.word", "data_prep.sound.features", False),
        ("data_prep.listen.transcribe", "data_prep.align.aligner", False),
        ("data_prep.machine.gpus", "data_prep.run.workers", False),
        ("data_prep.clips.speech", "data_prep.corpus.speech", False),
    ],
)
def test_the_law_tells_right_from_wrong(module, name, lawful):
    assert is_lawful(module, name) == lawful


@pytest.mark.slow
@pytest.mark.parametrize("module", ["llavataros_jax.train", "llavataros_jax.data.loader"])
def test_training_loads_neither_torch_nor_tensorflow(module):
    program = (
        f"import sys, {module}; "
        "sys.exit(', '.join({'torch', 'tensorflow', 'data_prep'} & set(sys.modules)) or None)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
