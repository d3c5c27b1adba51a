"""PocketSphinx in a process of its own, since it lets no other thread run while it listens.

Reads utterances from its input, each as its length in bytes and 16-bit samples at 16 kHz, and
writes one line of JSON for each: a list of [word, first frame, last frame, probability]. It imports
nothing that starts slowly.
"""

import json
import struct
import sys
from typing import Any, BinaryIO, TextIO

LENGTH = struct.Struct("<I")
# Wider beams than the default, with a limit to what is followed, hear one word in 40 more and take
# no longer: see `llavataros benchmark words`.
OPTIONS: dict[str, Any] = {"beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-40, "maxhmmpf": 5000}


def listen(source: BinaryIO, sink: TextIO) -> None:
    """Writes down utterances until the source ends."""
    from pocketsphinx import Decoder

    decoder: Any = Decoder(samprate=16000, loglevel="FATAL", **OPTIONS)
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        decoder.start_utt()
        decoder.process_raw(source.read(*LENGTH.unpack(head)), full_utt=True)
        decoder.end_utt()
        heard = [
            (segment.word, segment.start_frame, segment.end_frame, min(1.0, segment.prob))
            for segment in decoder.seg() or []
        ]
        print(json.dumps(heard), file=sink, flush=True)


if __name__ == "__main__":
    listen(sys.stdin.buffer, sys.stdout)
