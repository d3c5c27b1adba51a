"""What comes along: the configs and the demo's corpus, in a checkout and in an installed wheel.

In a checkout they are folders beside the package; the wheel carries them inside it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
CORPUS_NAME = "corpus"


def shipped_folder(name: str) -> Path:
    """Returns where `configs` or `corpus` lies; it need not exist in a damaged install."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def shipped_configs() -> list[str]:
    """Lists the names of the configs that come along, such as `demo`."""
    return sorted(path.stem for path in shipped_folder("configs").glob("*.yaml"))


def find_config(name: Path | str) -> Path:
    """Returns the file that `--config` means: a path, else the name of one that comes along.

    Outside a checkout `configs/demo.yaml` and `demo` both mean the one that is installed. A path
    that means nothing is returned as it is.
    """
    path = Path(name).expanduser()
    if path.is_file() or path.parent.name not in ("", "configs"):
        return path
    found = shipped_folder("configs") / f"{path.stem}.yaml"
    return found if found.is_file() and path.suffix in ("", ".yaml") else path


def find_recordings_folder(name: str) -> str:
    """Returns `name`, or where the corpus that comes along lies if `name` means it."""
    if name == CORPUS_NAME and not Path(name).is_dir():
        return str(shipped_folder(CORPUS_NAME))
    return name
