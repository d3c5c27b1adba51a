"""The README and the headers of configs promise commands, files and options that exist."""

import re
import shlex
from pathlib import Path

import pytest

from llavataros import animate as generate
from llavataros import attention, demo, evaluate, import_uea
from llavataros_jax.config.file import load_config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARSERS = {
    "scripts/attention.py": attention._parser,
    "scripts/demo.py": demo._parser,
    "scripts/evaluate.py": evaluate._parser,
    "scripts/generate.py": generate._parser,
    "scripts/import_uea.py": import_uea._parser,
}


def commands() -> list[str]:
    """Returns what stands in shell blocks, in back quotes, and in the headers of configs."""
    text = re.sub(r"\n +", " ", README)
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    # What the reader is told to copy.
    blocks = [block.replace("configs/mine.yaml", "configs/avataros.yaml") for block in blocks]
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += [" ".join(quoted.split()) for quoted in re.findall(r"`([^`]+)`", text)]
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        lines += [line[1:].strip() for line in path.read_text().splitlines() if line[:1] == "#"]
    return [line for line in lines if re.match(r"(python (-m|scripts/)|make [a-z])", line)]


def test_the_search_finds_the_commands() -> None:
    assert sum(command.startswith("make ") for command in commands()) >= 2
    assert sum("data_prep" in command for command in commands()) >= 4
    assert sum("generate" in command for command in commands()) >= 1


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_command_exists_with_its_options(command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in words:
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    elif words[0] == "-m":
        modules = ("data_prep", "llavataros_jax.train", "llavataros_jax.pase", "data_prep.corpus")
        assert words[1] in modules
        if "--config" in words:
            place = words.index("--config") + 1
            load_config(ROOT / words[place], words[place + 1 :])
    else:
        PARSERS[words[0]]().parse_args(words[1:])


def test_pictures_and_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    anchors = {"#" + re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}
    for link in links:
        assert link in anchors or (ROOT / link).exists(), link


def test_the_map_names_what_exists() -> None:
    house = README.split("## The house")[1].split("```")[1]
    folder = ROOT
    for line in filter(None, house.splitlines()):
        names = re.split(r" {2,}", line.strip())[0].split()
        names = [name for name in names if "…" not in name]
        if not line.startswith(" "):
            folder = ROOT
        for name in names:
            assert (folder / name).exists(), name
        if not line.startswith(" "):
            folder = ROOT / names[0]


def test_options_of_the_readme_are_options_of_the_config() -> None:
    known = load_config(ROOT / "configs" / "tiny.yaml")
    for section, key in re.findall(r"`([a-z]+)\.([a-z_]+)(?:=[^`]*)?`", README):
        if hasattr(known, section):
            assert hasattr(getattr(known, section), key), f"{section}.{key}"
