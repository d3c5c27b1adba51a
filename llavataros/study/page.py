"""The page of a study: the template with the study written into it."""

import base64
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import atomic_path

TEMPLATE = Path(__file__).with_name("page.html")
# What people read where the study's maker gives no words of their own.
QUESTIONS = {
    "preference": "In which film does the movement fit the speech better?",
    "matching": "In which film does the movement belong to the speech?",
}
TASKS = {
    "preference": (
        "You will see two films at a time of a figure that moves while somebody speaks. The speech "
        "is the same in both films; the movement is not. Please judge the movement only."
    ),
    "matching": (
        "You will see two films at a time of a figure that moves while somebody speaks. The "
        "movement is the same in both films, but only one of them has the speech that the movement "
        "was made for."
    ),
}
PLACEHOLDER_CONSENT = """\
[Placeholder: the text of your ethics approval belongs here; “study make” reads it from a file, by \
its option “consent”.]

Taking part is voluntary. You can stop at any time, without giving a reason, by closing this page.

Your answers, the time they took and the kind of browser you use are written into a file on your \
own device. Nothing is sent anywhere until you hand that file in yourself."""


def write_page(
    path: Path, study: Mapping[str, Any], *, films: Mapping[str, Path] | None = None
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: The HTML file.
        study: What the page's script reads.
        films: Files to embed, by the name that the study knows them by; they are read beside the
            page when not given.
    """
    before, after = TEMPLATE.read_text(encoding="utf-8").split("@@FILMS@@")
    embedded = films or {}
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(_filled(before, study))
        file.write("{")
        for number, (name, film) in enumerate(embedded.items()):
            data = base64.b64encode(film.read_bytes()).decode("ascii")
            file.write(f'{"," if number else ""}\n"{name}":"{data}"')
        file.write("}")
        file.write(_filled(after, study))


def _filled(text: str, study: Mapping[str, Any]) -> str:
    # `<` would let a name such as </script> end the script.
    value = json.dumps(study, ensure_ascii=False).replace("<", "\\u003c")
    return text.replace("@@TITLE@@", html.escape(str(study["title"]))).replace("@@STUDY@@", value)
