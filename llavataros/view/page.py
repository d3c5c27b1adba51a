"""The page of one file: the viewer's modules, its style and the motions, written into its HTML.

Modules become `data:` addresses under bare names in an import map, so that they load from a file,
where browsers load no module beside another; a policy lets the page reach nothing else.
"""

import base64
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llavataros_jax.rig
from llavataros_jax.atomic import write_text
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError

NAMES = Path(llavataros_jax.rig.__file__).with_name("names.json")
_ENTRY = "page.js"
_SPECIFIER = re.compile(r'(\bfrom\s*|\bimport\s*\(?\s*)"\./([\w/]+\.js)"')
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; connect-src data: blob:"
)


def web_folder() -> Path:
    """Returns the folder of the viewer's files.

    Raises:
        UserError: When it is missing.
    """
    folder = shipped_folder("web")
    if not (folder / "index.html").is_file():
        raise UserError(f"the viewer is missing from {folder}; install llavataros again")
    return folder


def motion_page(
    motions: Sequence[dict[str, Any]], *, title: str, subtitle: str = "", facing: bool = False
) -> str:
    """Returns a page of one file that shows motions side by side and reaches no network.

    Args:
        motions: Each as `motion_data` returns it; a sound that several have is written once.
        title: Heading of the page.
        subtitle: A line below it.
        facing: Whether two people face each other at first.

    Raises:
        UserError: When the viewer is missing.
    """
    folder = web_folder()
    modules = _modules(folder)
    page = (folder / "index.html").read_text(encoding="utf-8")
    head = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}" />'
    page = _replaced(page, '<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {head}')
    page = _replaced(page, "<title>LLAvatarOS</title>", f"<title>{html.escape(title)}</title>")
    style = (folder / "style.css").read_text(encoding="utf-8")
    page = _replaced(
        page, '<link rel="stylesheet" href="./style.css" />', f"<style>\n{style}</style>"
    )
    scripts = [
        _script("importmap", {"imports": modules}),
        _script("application/json", json.loads(NAMES.read_text("utf-8")), "names"),
        _script(
            "application/json", {"title": title, "subtitle": subtitle, "facing": facing}, "options"
        ),
        _script("application/json", _sharing_sounds(motions), "motions"),
        f'<script type="module">import "viewer/{_ENTRY}";</script>',
    ]
    return _replaced(page, f'<script type="module" src="./{_ENTRY}"></script>', "\n".join(scripts))


def write_page(path: Path, motions: Sequence[dict[str, Any]], **options: Any) -> None:
    """Writes `motion_page`, whole or not at all."""
    write_text(path, motion_page(motions, **options))


def _modules(folder: Path) -> dict[str, str]:
    """Returns the entry and all that it imports, by bare names."""
    found: dict[str, str] = {}
    waiting = [_ENTRY]
    while waiting:
        name = waiting.pop()
        if f"viewer/{name}" in found:
            continue
        text = (folder / name).read_text(encoding="utf-8")
        if "/" not in name:  # what others made imports nothing
            waiting += [imported for _, imported in _SPECIFIER.findall(text)]
            text = _SPECIFIER.sub(r'\1"viewer/\2"', text)
        code = base64.b64encode(text.encode()).decode("ascii")
        found[f"viewer/{name}"] = f"data:text/javascript;charset=utf-8;base64,{code}"
    return found


def _sharing_sounds(motions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replaces a sound that an earlier motion has by that motion's number; leaves out joints."""
    first: dict[str, int] = {}
    shared = []
    for number, motion in enumerate(motions):
        drawn = {key: value for key, value in motion.items() if key not in ("frames", "skeleton")}
        sound = motion["audio"]
        if sound is not None and (before := first.setdefault(sound, number)) != number:
            drawn |= {"audio": {"same_as": before}}
        shared.append(drawn)
    return shared


def _script(kind: str, value: Any, name: str = "") -> str:
    # `<` would let a name such as </script> end the script.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    own = f' id="{name}"' if name else ""
    return f'<script type="{kind}"{own}>{text}</script>'


def _replaced(page: str, old: str, new: str) -> str:
    if page.count(old) != 1:
        raise UserError(f"the viewer's index.html has no {old!r}; install llavataros again")
    return page.replace(old, new)
