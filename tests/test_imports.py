"""The law of who may import whom, over the syntax trees of all files."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FRAMEWORKS = ("torch", "tensorflow", "tensorflow_datasets", "whisper", "data_prep", "scripts")
# Root files that every room but motion reads.
SHARED = ("errors", "atomic", "config", "config_file", "batch")
FLOORS = (
    {"train", "evaluate"},
    {"trained"},
    {"inference", "evaluation", "training", "rendering"},
    {"data", "model", "pase"},
    {"motion"},
)
# One room per foreign library.
ROOMS = {
    "orbax": ("llavataros_jax.training.checkpoint",),
    "tensorboardX": ("llavataros_jax.training.tracking",),
    "flax.nnx": ("llavataros_jax.model", "llavataros_jax.pase"),
    "grain": ("llavataros_jax.data",),
    "google_crc32c": ("llavataros_jax.data.records",),
}
PREPARATION_READS = ("config", "config_file", "data", "motion", "pase", "errors", "atomic", "batch")


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


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def is_lawful(module: str, name: str) -> bool:
    for library, rooms in ROOMS.items():
        if within(name, library) and not any(within(module, room) for room in rooms):
            return False
    package, room, *_ = (*module.split("."), "")
    inner = name.split(".")[1] if within(name, "llavataros_jax") and "." in name else ""
    if package == "data_prep":
        return not within(name, "scripts") and (not inner or inner in PREPARATION_READS)
    if package != "llavataros_jax":
        return True
    if any(within(name, framework) for framework in FRAMEWORKS):
        return False
    if not inner or inner == room:
        return True
    if room == "config_file" and inner == "config":
        return True
    if room == "motion" or room in SHARED:
        return inner in ("errors", "atomic")
    return inner in SHARED or floor(inner) > floor(room)


def test_imports_obey_the_law():
    broken, seen = [], 0
    for package in ("llavataros_jax", "data_prep", "scripts"):
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
        ("data_prep.align", "llavataros_jax.config.Config", True),
        ("scripts.demo", "llavataros_jax.train.main", True),
        ("llavataros_jax.model.gesture", "llavataros_jax.data.loader", False),
        ("llavataros_jax.motion.codec", "llavataros_jax.config.Config", False),
        ("llavataros_jax.training.step", "llavataros_jax.inference.animate", False),
        ("llavataros_jax.training.step", "orbax.checkpoint", False),
        ("llavataros_jax.training.step", "flax.nnx", False),
        ("llavataros_jax.config", "llavataros_jax.batch.Batch", False),
        ("llavataros_jax.data.records", "tensorflow.io", False),
        ("llavataros_jax.train", "data_prep.words.Word", False),
        ("data_prep.align", "llavataros_jax.model.gesture", False),
    ],
)
def test_the_law_tells_right_from_wrong(module, name, lawful):
    assert is_lawful(module, name) == lawful


@pytest.mark.parametrize("module", ["llavataros_jax.train", "llavataros_jax.data.loader"])
def test_training_loads_neither_torch_nor_tensorflow(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} does not exist yet")
    program = (
        f"import sys, {module}; "
        "sys.exit(', '.join({'torch', 'tensorflow', 'data_prep'} & set(sys.modules)) or None)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
