"""The README and the headers of configs promise commands, files and options that exist."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from llavataros.program import COMMANDS
from llavataros_jax.config.file import load_config
from llavataros_jax.evaluate.__main__ import TOOLS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = {"generate": "animate", "import_uea": "import-uea"}  # old names of commands
MODULES = ("data_prep", "llavataros_jax.train", "llavataros_jax.pase", "data_prep.corpus")
MODULES = (*MODULES, "llavataros_jax.evaluate")


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
    return [
        line
        for line in lines
        if re.match(r"(python (-m|scripts/)|make [a-zA-Z]|llavataros [a-z])", line)
    ]


def test_the_search_finds_the_commands() -> None:
    assert sum(command.startswith("make ") for command in commands()) >= 2
    assert sum(" prepare" in c or "data_prep" in c for c in commands()) >= 4
    assert sum("generate" in c or "animate" in c for c in commands()) >= 1


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_command_exists_with_its_options(command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in (word for word in words if "=" not in word):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    elif program == "llavataros":
        check_command(words[0], words[1:])
    elif words[0] == "-m":
        assert words[1] in MODULES
        if "--config" in words:
            place = words.index("--config") + 1
            load_config(ROOT / words[place], words[place + 1 :])
    else:
        assert (ROOT / words[0]).is_file()
        name = Path(words[0]).stem
        check_command(SCRIPTS.get(name, name), words[1:])


def check_command(name: str, words: list[str]) -> None:
    """Parses a command line; the config that it names must take its overrides."""
    if name == "evaluate" and words and words[0] in TOOLS:
        importlib.import_module(TOOLS[words[0]]).build_parser(words[0]).parse_args(words[1:])
        return
    parser = COMMANDS[name].build_parser(name)
    if name == "study":  # its own commands are sub-parsers, which cannot be intermixed
        parser.parse_args(words)
        return
    given = parser.parse_intermixed_args(words)
    if name in ("prepare", "train", "doctor") and given.config:
        load_config(ROOT / given.config, given.overrides)


def test_pictures_and_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        name, _, anchor = link.partition("#")
        path = ROOT / (name or "README.md")
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), link


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}


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
