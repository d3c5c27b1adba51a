"""Moves a character that listens to VMC: from a recording, a microphone, a motion or a server."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros.live.command_line import (
    PROGRAM,
    SESSION_DIALS,
    TOKEN_VARIABLE,
    build_parser,
    check_command_line,
)
from llavataros.live.listener import Listener
from llavataros.live.microphone import Loudspeaker, Microphone, device_lines
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.page_out import PageOut
from llavataros.live.playing import Display, Player
from llavataros.live.source import MotionSource, Source, read_played
from llavataros.live.speech import RecordedSpeech, Speech
from llavataros.live.spoken import SpokenSource
from llavataros.live.vmc import DEFAULT_PORT, VmcOut, VmcSender, parse_target
from llavataros.live.vmc_body import SentBody
from llavataros_jax.errors import door
from llavataros_jax.packages import require_packages

# Frames of a microphone come when they come; so much is kept so that the body does not stutter.
_CUSHION_SECONDS = 0.05
_SWITCH_SECONDS = 1e-3
Step = Callable[[], None]


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and plays."""
    given = build_parser(prog).parse_args(arguments)
    if given.list_devices:
        print("\n".join(device_lines()))
        return 0
    check_command_line(given)
    require_packages("VMC", "pythonosc", extra="live")
    # Frames shall go out on time while other threads compute features.
    sys.setswitchinterval(_SWITCH_SECONDS)
    targets = [parse_target(text) for text in given.vmc or [f"127.0.0.1:{DEFAULT_PORT}"]]
    sender = VmcSender(targets, bundle=given.bundle)
    source, begin, end = _source(given)
    body = SentBody(source.bones, source.rest, without=given.without, avatar=_avatar(given, source))
    where = ", ".join(map(str, targets))
    print(
        f"sending {len(body.bones)} bones {given.rate:g} times a second to {where} (UDP does not "
        "tell whether anybody listens)",
        flush=True,
    )
    displays: list[Display] = [VmcOut(body, sender)]
    if given.page is not None:
        page = PageOut(source.bones, source.rest, port=given.page)
        print(f"and to browsers, at {page.url}", flush=True)
        displays.append(page)
    player = Player(
        source,
        displays,
        rate_per_second=given.rate,
        delay_seconds=given.delay,
        cushion_seconds=_CUSHION_SECONDS if given.microphone is not None else 0.0,
        begin=begin,
        say=_status,
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            player.play(given.seconds)
        end()
        player.rest()
    finally:
        end()
        source.close()
        for display in displays:
            display.close()
        _end_status()
        print(player.played())
    return 0


def _source(given: argparse.Namespace) -> tuple[Source, Step, Step]:
    """Returns the poses, and what begins and ends with their playing."""
    if given.motion_file:
        path = Path(given.motion_file).expanduser()
        motion, notes = read_played(path, given.fps)
        _tell(notes)
        return MotionSource(motion, place=str(path), loop=given.loop), _nothing, _nothing
    speech: Speech
    begin, end, is_live = _nothing, _nothing, given.recording is None
    if is_live:
        microphone = speech = Microphone(given.microphone or None)
        print(f"listening to {microphone.name}")
    else:
        speech = RecordedSpeech(
            given.recording, words=given.words, transcript=given.transcript, loop=given.loop
        )
        _tell(speech.notes)
    if given.play_sound:
        speaker = Loudspeaker(speech.sample_rate, lambda: (part.samples for part in speech.parts()))
        begin, end = speaker.start, speaker.close
    listener = _listener(given, speech)
    if is_live:
        print(
            f"the body is {listener.delay_seconds:.2f} s behind what is heard, and some more for "
            "the sound's own way",
            flush=True,
        )
    return SpokenSource(speech, listener, is_live=is_live), begin, end


def _listener(given: argparse.Namespace, speech: Speech) -> Listener:
    dials = {name: getattr(given, name) for name in (*SESSION_DIALS, "size")}
    dials = {name: value for name, value in dials.items() if value is not None}
    if given.server:
        from llavataros.live.server_listener import ServerListener

        return ServerListener(
            given.server,
            sample_rate=speech.sample_rate,
            token=given.token or os.environ.get(TOKEN_VARIABLE),
            words=speech.form,
            speaker=given.speaker,
            seed=given.seed,
            dials=dials,
        )
    from llavataros.live.listener import EngineListener
    from llavataros.named_run import open_named
    from llavataros_jax.compilation_cache import keep_compiled

    keep_compiled()
    run = open_named(given.checkpoint)
    options = SessionOptions(
        speaker=given.speaker, seed=given.seed, words=speech.form, dials=SessionDials(**dials)
    )
    print("preparing the network …", flush=True)
    return EngineListener(run, options)


def _avatar(
    given: argparse.Namespace, source: Source
) -> Mapping[str, Float[np.ndarray, " 3"]] | None:
    """Returns the places of the bones of the avatar that is named, in its T-pose."""
    if not given.avatar:
        return None
    from llavataros.live.avatar import avatar_places

    return avatar_places(Path(given.avatar).expanduser(), source.bones, source.rest)


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"note: {note}")


def _nothing() -> None:
    """Begins and ends nothing."""


def _status(text: str) -> None:
    if text.startswith("note: "):
        _end_status()
        print(text)
    elif sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


def _end_status() -> None:
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")


if __name__ == "__main__":
    sys.exit(main())
