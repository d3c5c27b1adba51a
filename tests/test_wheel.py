"""The wheel alone, in a fresh environment and far from the checkout, goes the demo's short way."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.backend import ROOT
from tests.program.way import QUICK

PACKAGES = {"llavataros", "llavataros_jax", "data_prep"}
PAGES = ("html", "css", "js")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_it_holds_what_the_program_needs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    for folder in ("configs", "corpus", "starter"):
        carried = {Path(name).name for name in names if f"llavataros_jax/{folder}/" in name}
        assert carried == {path.name for path in (ROOT / folder).iterdir()}
    pages = {"llavataros/study/page.html", *(f"llavataros_jax/report/page.{x}" for x in PAGES)}
    viewer = {f"llavataros_jax/web/{name}" for name in ("index.html", "vendor/three_vrm.js")}
    viewer |= {"llavataros_jax/rig/names.json", "llavataros/live/watch.html"}
    assert pages | viewer <= set(names)
    assert not any("node_modules" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < 15e6


@pytest.mark.slow
def test_the_demo_runs_from_it_outside_the_checkout_and_names_what_it_wrote(
    wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    paths = {"base": str(home), "platbase": str(home)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The libraries are those of this environment; a path in a .pth file is no site directory, so
    # the .pth files there, among them that of the checkout, are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    work = tmp_path / "work"
    work.mkdir()
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment = plain | QUICK

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(python), *arguments],
            cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = run("-c", "import llavataros, llavataros_jax, data_prep; print(llavataros.__path__)")
    assert str(site) in where
    assert "prepare" in run("-m", "llavataros", "--help")
    told = run("-m", "llavataros", "demo", "--short", "data.workers=1")
    ending = told.split("Look at")[1].split("Now with")[0].split()
    assert {Path(path).name for path in ending} == {
        "ada_4.npy", "ada_4.bvh", "ada_4.mov", "ada_4_beside_real.mov", "ben_4_beside_real.mov",
        "losses.png", "ada_4_speech.png", "report.html", "your_voice.mov",
    }  # fmt: skip
    assert {(work / path).parent for path in ending} == {work / "outputs" / "tiny"}
    for path in [*ending, "outputs/tiny/metrics.json"]:
        assert (work / path).stat().st_size > 1000
    assert "metrics.json" in told
    metrics = json.loads((work / "outputs" / "tiny" / "metrics.json").read_text())
    assert set(metrics["by_clip"]) == {"ada_4", "ben_4"}
    columns = metrics["table"]["position_error_metres"]["columns"]
    assert f"{columns['mean_pose']['value']:.3g}" in told
