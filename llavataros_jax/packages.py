"""What is installed, and a command that installs what is missing, here and now.

The command names the libraries themselves and never this project: installing `llavataros-jax[x]`
would replace the editable install of a checkout by a copy. Environments made by uv have no pip.
"""

import importlib.util
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from llavataros_jax.errors import UserError

PROJECT = "llavataros-jax"
_CHECKOUT = Path(__file__).parents[1]


def missing_packages(*modules: str) -> list[str]:
    """Returns those of the modules that cannot be imported here."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def require_packages(purpose: str, *modules: str, extra: str) -> None:
    """Refuses to go on without some modules.

    Args:
        purpose: What needs them, as the sentence's beginning, such as `reading audio`.
        modules: Their names as they are imported.
        extra: The extra of this project that has them.

    Raises:
        UserError: When one is missing, with the command that installs them.
    """
    if missing := missing_packages(*modules):
        raise UserError(needs(purpose, missing, extra=extra))


def needs(purpose: str, missing: list[str], *, extra: str) -> str:
    """Says what is missing and how to get it."""
    return f"{purpose} needs {' and '.join(missing)}; install with: {install_command(extra)}"


def install_command(extra: str) -> str:
    """Returns a command that adds the libraries of an extra to this environment."""
    root, here = _CHECKOUT, Path.cwd()
    if (root / "Makefile").is_file() and here == root and Path(sys.prefix) == root / ".venv":
        return f"make EXTRAS={extra}"
    python = shlex.quote(sys.executable)
    if importlib.util.find_spec("pip") is None and shutil.which("uv"):
        start = f"uv pip install --python {python}"
    else:
        start = f"{python} -m pip install"
    wanted = extra_requirements(extra)
    lacking = [name for name in wanted if not _is_met(Requirement(name))]
    return " ".join([start, *map(shlex.quote, lacking or wanted)])


def extra_requirements(extra: str) -> list[str]:
    """Returns the libraries of an extra, with those of the extras that it includes.

    Markers for other systems are dropped; without metadata the extra's own name must do.
    """
    try:
        declared = requires(PROJECT) or []
    except PackageNotFoundError:
        return [f"{PROJECT}[{extra}]"]
    found: dict[str, None] = {}
    for requirement in map(Requirement, declared):
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            continue  # of every install
        if not marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(requirement.name) == PROJECT:
            for included in sorted(requirement.extras):
                found |= dict.fromkeys(extra_requirements(included))
        else:
            requirement.marker = None
            found[str(requirement)] = None
    return list(found)


def _is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
