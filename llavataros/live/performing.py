"""Bodies of voice agents: moved by this machine or by a server, shown by VMC and by a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llavataros.live.gestures import read_gestures
from llavataros.live.listener import EngineListener, Listener
from llavataros.live.options import SessionOptions
from llavataros.live.page_out import PageOut
from llavataros.live.performer import Performer
from llavataros.live.playing import Display
from llavataros.live.server_listener import ServerListener
from llavataros.live.vmc import DEFAULT_PORT, VmcOut, VmcSender, parse_target
from llavataros.live.vmc_body import SentBody
from llavataros.named_run import open_named
from llavataros_jax.compilation_cache import keep_compiled

USUAL_VMC = (f"127.0.0.1:{DEFAULT_PORT}",)
# Words come with their times, and between utterances the body idles.
_USUAL = {"words": "timed", "silence": "fill"}


def perform_here(
    *,
    run: str | None = None,
    vmc: Sequence[str] = USUAL_VMC,
    page: int | None = None,
    displays: Sequence[Display] = (),
    rate_per_second: float = 60.0,
    gestures: Path | str | None = None,
    **options: Any,
) -> Performer:
    """Returns a body that this machine's engine moves.

    Args:
        run: A run directory; by default the model that comes along.
        vmc: Receivers, as HOST:PORT.
        page: A port of this machine where browsers see it, 0 for any.
        displays: Who else shows it.
        rate_per_second: How often it is shown.
        gestures: A folder of motion files that can be asked for by their names, besides those that
            come along.
        options: Of `SessionOptions`: speaker, seed, words, dials.

    Raises:
        UserError: When something given cannot be used.
    """
    keep_compiled()
    opened = open_named(run)
    asked: dict[str, Any] = {**_USUAL, **options}
    known = read_gestures(gestures, opened) if gestures else None
    listener = EngineListener(opened, SessionOptions(**asked), gestures=known)
    return _shown(listener, vmc, page, displays, rate_per_second)


def perform_at(
    server: str,
    *,
    sample_rate: int,
    vmc: Sequence[str] = USUAL_VMC,
    page: int | None = None,
    displays: Sequence[Display] = (),
    rate_per_second: float = 60.0,
    **start: Any,
) -> Performer:
    """Returns a body that a `llavataros serve` moves.

    Args:
        server: Its address, ws://HOST:PORT.
        sample_rate: Of all sound that will come, samples a second.
        vmc: Receivers, as HOST:PORT.
        page: A port of this machine where browsers see it, 0 for any.
        displays: Who else shows it.
        rate_per_second: How often it is shown.
        start: Of the protocol's `start`: token, speaker, seed, words, dials.

    Raises:
        UserError: When something given cannot be used.
    """
    asked: dict[str, Any] = {**_USUAL, **start}
    listener = ServerListener(server, sample_rate=sample_rate, **asked)
    return _shown(listener, vmc, page, displays, rate_per_second)


def _shown(
    listener: Listener,
    vmc: Sequence[str],
    page: int | None,
    displays: Sequence[Display],
    rate_per_second: float,
) -> Performer:
    shown = list(displays)
    try:
        if vmc:
            sender = VmcSender([parse_target(text) for text in vmc])
            shown.append(VmcOut(SentBody(listener.bones, listener.rest), sender))
        if page is not None:
            shown.append(PageOut(listener.bones, listener.rest, port=page))
        return Performer(listener, shown, rate_per_second=rate_per_second)
    except BaseException:
        for display in shown:
            display.close()
        listener.close()
        raise
