"""What is compiled is found again by the next process, bit for bit, and only where it is safe."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from llavataros_jax.compilation_cache import keep_compiled, own_folder

FOLDER = "jax_compilation_cache_dir"
# A training in small: parameters that are given away, a loop, a product, random bits.
PROGRAM = """
import json, sys, jax, jax.numpy as jnp
from llavataros_jax.compilation_cache import keep_compiled

events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
folder = keep_compiled()

def step(state, x):
    def loss(w):
        kept = jax.random.bernoulli(jax.random.key(1), 0.8, x.shape)
        return jnp.square(jnp.tanh(jnp.where(kept, x, 0.0) @ w)).mean()
    return jax.lax.scan(lambda w, _: (w - 0.1 * jax.grad(loss)(w), loss(w)), state, length=3)

start = jax.random.normal(jax.random.key(0), (32, 32))
after, losses = jax.jit(step, donate_argnums=0)(start, jnp.linspace(-1.0, 1.0, 320).reshape(10, 32))
name = "/jax/compilation_cache/"
counts = {key: events.count(name + key) for key in ("compile_requests_use_cache", "cache_hits")}
bits = [float(x).hex() for x in (*after.ravel(), *losses)]
print(json.dumps({"folder": str(folder), "bits": bits, **counts}))
"""


def started(caches: Path) -> tuple[dict, str]:
    """Runs the program as a user would; returns what it found and what it said."""
    ours = ("JAX_", "XDG_", "XLA_FLAGS", "PYTHONWARNINGS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {"XDG_CACHE_HOME": str(caches), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.slow
def test_a_second_start_compiles_nothing_and_computes_the_same(tmp_path: Path) -> None:
    first, said = started(tmp_path)
    assert first["cache_hits"] == 0 < first["compile_requests_use_cache"]
    folder = Path(first["folder"])
    assert folder.is_relative_to(tmp_path / "llavataros" / "programs")
    assert folder.stat().st_mode & 0o777 == 0o700
    # As a kill leaves them: one that is cut off, and one that is not marked as whole.
    entries = sorted(folder.glob("*-cache"))
    cut, lost = entries[0], folder / "lost-cache"
    cut.write_bytes(cut.read_bytes()[:100])
    lost.write_bytes(b"")
    second, said_again = started(tmp_path)
    assert second["compile_requests_use_cache"] == second["cache_hits"] + 1
    assert not lost.exists()
    assert second["bits"] == first["bits"]
    assert said == said_again == ""


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Hides the folder that the tests have for themselves; returns where caches would be."""
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = getattr(jax.config, FOLDER)
    jax.config.update(FOLDER, None)
    yield tmp_path
    jax.config.update(FOLDER, known)
    jax.config.update("jax_enable_compilation_cache", True)


@pytest.mark.parametrize("how", ["another folder", "none", "off", "several processes"])
def test_jaxs_own_variables_win(how: str, unset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "off":
        jax.config.update("jax_enable_compilation_cache", False)
    elif how == "several processes":
        monkeypatch.setattr(jax, "process_count", lambda: 2)
    else:
        value = "" if how == "none" else str(unset / "theirs")
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", value)
    assert keep_compiled() is None
    assert getattr(jax.config, FOLDER) is None
    assert not list(unset.iterdir())


@pytest.mark.parametrize("trouble", ["a file", "others"])
def test_a_folder_that_cannot_be_trusted_is_no_failure(
    trouble: str, unset: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = own_folder()
    assert folder.is_relative_to(unset)
    if trouble == "a file":
        folder.parent.mkdir(parents=True)
        folder.touch()
    else:
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    assert keep_compiled() is None
    assert getattr(jax.config, FOLDER) is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert {"a file": "File exists", "others": "may be changed by, others"}[trouble] in said


def test_folders_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "relative/is/not/valid"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert own_folder().parent == tmp_path / ".cache" / "llavataros" / "programs"
