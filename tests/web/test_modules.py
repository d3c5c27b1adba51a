"""The viewer's modules by themselves: framing, retargeting, surfaces, time."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backend import ROOT

NODE = shutil.which("node")
OLDEST_NODE = 20
MOST_LINES = 250
HERE = Path(__file__).parent


def test_what_the_modules_compute() -> None:
    if NODE is None:
        pytest.skip("there is no node here")
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout
    if int(version[1:].split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"there is no node {OLDEST_NODE} here, but {version.strip()}")
    files = sorted(map(str, HERE.glob("*.test.mjs")))
    assert files
    done = subprocess.run([NODE, "--test", *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_are_small_and_call_nothing_foreign() -> None:
    modules = sorted((ROOT / "web").glob("*.js"))
    assert len(modules) > 20
    for path in modules:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES, f"{path.name} is long"
        assert text.startswith("/**"), f"{path.name} does not say what it is"
        assert not re.search(r"\beval\(|new Function|https?://|innerHTML", text), path.name
        for name in re.findall(r'(?:from|import\()\s*"([^"]+)"', text):
            assert name.startswith("./"), f"{path.name} imports {name}"
            assert (ROOT / "web" / name).is_file(), f"{path.name} imports {name}"


def test_the_page_has_no_handlers_or_styles_in_its_html() -> None:
    page = (ROOT / "web" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'\son\w+="|\sstyle="|<script(?![^>]*src=)', page)
