"""What repeats an evaluation: its command, settings, versions and the numbers as a file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from llavataros_jax.evaluation.result import Result
from llavataros_jax.report.markup import data_uri, text


def repeat(result: Result) -> str:
    """Returns settings of the evaluation and its protocol, and the JSON to save, as HTML."""
    settings = dict(result.settings)
    command = settings.pop("command", None)
    content = json.dumps(result.to_json(), default=str, ensure_ascii=False, separators=(",", ":"))
    protocol = result.protocol
    about = {
        "protocol": f"{protocol.name}, version {protocol.version}",
        "samples of a clip": protocol.samples,
        **protocol.settings,
        f"{len(result.joints)} joints": ", ".join(result.joints),
    }
    return "\n".join(
        (
            f"<h3>Command</h3><pre><code>{text(command)}</code></pre>" if command else "",
            '<div class="columns">',
            f"<div><h3>Evaluation</h3>{_list(_flat(settings))}</div>",
            f"<div><h3>Protocol</h3>{_list(_flat(about))}</div></div>",
            f'<p><a class="button" download="metrics.json" '
            f'href="{data_uri(content.encode(), "application/json")}">Save the numbers as JSON</a> '
            f"<span class='absent'>{len(content.encode()) / 1024:,.0f} KiB: the table and every "
            "clip's values</span></p>",
        )
    )


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key} · ")
        else:
            yield f"{before}{key}", value


def _list(pairs: Iterator[tuple[str, Any]]) -> str:
    lines = "".join(
        f"<dt>{text(key.replace('_', ' '))}</dt><dd>{text(value)}</dd>" for key, value in pairs
    )
    return f'<dl class="settings">{lines}</dl>' if lines else '<p class="absent">none</p>'
