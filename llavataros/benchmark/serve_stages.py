"""The times of frames by stage, as a server's histograms tell them."""

import re
import urllib.request
from collections.abc import Callable

_LINE = re.compile(r'llavataros_frame_seconds_bucket\{le="([^"]+)",stage="(\w+)"\} (\S+)')
NAMES = {
    "features": "last sample heard to features",
    "wait": "features to step",
    "step": "step, to a pose",
    "wire": "pose to bytes on the wire",
    "all": "together",
}


class Stages:
    """Histograms of one stage each."""

    @staticmethod
    def read(url: str) -> dict[str, Callable[[float], float]]:
        """Returns for each stage what gives its seconds at a share of frames, such as 0.99."""
        with urllib.request.urlopen(url) as answer:
            text = answer.read().decode()
        rows: dict[str, list[tuple[float, float]]] = {}
        for edge, stage, count in _LINE.findall(text):
            rows.setdefault(stage, []).append((float(edge), float(count)))
        return {
            label: (lambda share, row=rows[stage]: _quantile(row, share))
            for stage, label in NAMES.items()
        }


def _quantile(rows: list[tuple[float, float]], share: float) -> float:
    """Returns where a share of what was counted lies, evenly spread in each bucket."""
    wanted, below, least = share * rows[-1][1], 0.0, 0.0
    for edge, count in rows:
        if count >= wanted:
            if edge == float("inf") or count == below:
                return least
            return least + (edge - least) * (wanted - below) / (count - below)
        below, least = count, edge
    return least
