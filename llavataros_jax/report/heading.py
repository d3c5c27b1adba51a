"""The page's heading: who was measured on what, and what makes that doubtful."""

from llavataros_jax.evaluation.result import Result
from llavataros_jax.report.markup import prose, text


def heading(result: Result) -> str:
    """Returns the heading, warnings and what the protocol lacks, as HTML."""
    protocol = result.protocol
    facts = {
        "protocol": f"{protocol.name} v{protocol.version}",
        "split": result.split,
        "clips": f"{result.clips}",
        "length": _length(result.seconds),
        "joints": f"{len(result.joints)}",
        "frames per second": f"{result.fps:g}",
    }
    tiles = "".join(f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in facts.items())
    return "\n".join(
        (
            '<p class="eyebrow">Evaluation of gestures</p>',
            f"<h1>{_breakable(result.system)}</h1>",
            f'<p class="lead">{prose(protocol.says)} Joints: {text(protocol.joints)}. Numbers of '
            "other protocols or versions cannot be compared with these.</p>",
            f'<dl class="facts">{tiles}</dl>',
            _box("warning", "Doubtful", result.warnings),
            _box("lacks", "What this protocol lacks here", protocol.lacks),
        )
    )


def _breakable(name: str) -> str:
    """Lets the names of paths go on in the next line."""
    return text(name).replace("/", "/<wbr/>")


def _box(kind: str, title: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{prose(line)}</li>" for line in lines)
    return f'<aside class="box {kind}"><h2>{title}</h2><ul>{items}</ul></aside>'


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
