"""Opus as it arrives: packets one by one, or an Ogg stream cut anywhere (RFC 6716, RFC 7845)."""

import struct
from typing import Any

import numpy as np
from jaxtyping import Float32

from data_prep.arriving.ogg import OggPages, Page
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

SAMPLE_RATE = 48000
USUAL_PRE_SKIP = 312  # samples of 48 kHz by which libopus delays, where nobody says otherwise
_LARGEST_PACKET = 61_440  # bytes; 48 frames of 1275 are the most
_MOST_DAMAGED = 50  # in a row
_WEBM, _OGG = b"\x1a\x45\xdf\xa3", b"OggS"
_HEAD, _TAGS = b"OpusHead", b"OpusTags"


class OpusDecoder:
    """Turns Opus into samples of 48 kHz; stereo is mixed down.

    What the encoder put before the sound is left out: as much as an identification header says
    (`OpusHead`, which may come as the first packet, and does in Ogg), else 312 samples. An Ogg
    stream is cut at its end as it says. In place of a damaged or missing packet there is silence
    of its length, so that later sound keeps its time.

    Attributes:
        damaged: Packets that could not be decoded.
    """

    def __init__(self):
        """Begins a stream.

        Raises:
            UserError: When PyAV is missing.
        """
        require_packages("decoding Opus", "av", extra="live")
        self.damaged = 0
        self._in_a_row, self._given, self._last = 0, 0, 960
        self._pages: OggPages | None = None
        self._begin(USUAL_PRE_SKIP)

    def decode(self, payload: bytes) -> Float32[np.ndarray, " n"]:
        """Returns the samples of the next packet, or of the next piece of an Ogg stream.

        An empty payload stands for a packet that was lost.

        Raises:
            UserError: When it cannot be Opus: the first packet is none, 50 in a row are none, one
                is larger than can be, or an Ogg stream is damaged.
        """
        if not self._given and payload.startswith(_WEBM):
            raise UserError(
                "the sound is WebM, which is not read live; send the packets of Opus in it one by "
                "one, or Ogg"
            )
        begins = payload[: len(_OGG)]
        if self._pages is None and not self._given and begins and _OGG.startswith(begins):
            self._pages = OggPages(_HEAD)
        if self._pages is None:
            return self._packet(payload)
        parts = [self._page(page) for page in self._pages.read(payload)]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _page(self, page: Page) -> Float32[np.ndarray, " n"]:
        before = self._given
        found = np.concatenate([np.zeros(0, np.float32), *map(self._packet, page.packets)])
        if page.is_last and page.position >= 0:
            left = page.position - self._pre_skip - before
            found = found[: max(0, left)] if left < len(found) else found
            self._given = before + len(found)
        return found

    def _packet(self, packet: bytes) -> Float32[np.ndarray, " n"]:
        if packet.startswith(_HEAD):
            return self._head(packet)
        if packet.startswith(_TAGS):
            return np.zeros(0, np.float32)
        if len(packet) > _LARGEST_PACKET:
            raise UserError(
                f"a packet has {len(packet)} bytes, but one of Opus has at most {_LARGEST_PACKET}; "
                "send one packet a message"
            )
        found = self._decoded(packet)
        if found is None:
            found = np.zeros(self._last if self._given or self.damaged else 0, np.float32)
        else:
            self._last = len(found) if self._given else self._last
        self._given += len(found)
        return found

    def _decoded(self, packet: bytes) -> Float32[np.ndarray, " n"] | None:
        """Decodes a packet; None when it cannot be."""
        import av
        from av.error import FFmpegError

        if packet:
            try:
                frames = self._decoder.decode(av.Packet(packet))
            except (FFmpegError, ValueError, EOFError) as problem:
                self._complain(packet, problem)
                return None
            if frames:
                self._in_a_row = 0
                return _samples(frames)
        return None

    def _complain(self, packet: bytes, problem: Exception) -> None:
        if not self._given:
            raise UserError(
                f"the first packet, of {len(packet)} bytes, is none of Opus; send the packets of "
                "an encoder one by one, or Ogg, or samples as pcm_s16le"
            ) from problem
        self.damaged += 1
        self._in_a_row += 1
        if self._in_a_row >= _MOST_DAMAGED:
            raise UserError(
                f"{_MOST_DAMAGED} packets in a row are none of Opus; send what an encoder gives"
            ) from problem

    def _head(self, packet: bytes) -> Float32[np.ndarray, " n"]:
        """Begins anew as an identification header says."""
        if len(packet) < 19 or packet[8] >> 4 or packet[9] not in (1, 2) or packet[18]:
            raise UserError(
                "the header of Opus names more channels than two or a version that is not known; "
                "send sound of one or two channels"
            )
        self._begin(struct.unpack_from("<H", packet, 10)[0])
        return np.zeros(0, np.float32)

    def _begin(self, pre_skip: int) -> None:
        import av

        self._pre_skip = pre_skip
        # libopus is what everybody else decodes with; ffmpeg's own decoder is nearly the same.
        name = "libopus" if "libopus" in av.codecs_available else "opus"
        decoder: Any = av.CodecContext.create(name, "r")
        decoder.extradata = _HEAD + struct.pack("<BBHIhB", 1, 1, pre_skip, SAMPLE_RATE, 0, 0)
        decoder.sample_rate = SAMPLE_RATE
        decoder.thread_count = 1
        decoder.options = {"request_sample_fmt": "flt"}
        self._decoder = decoder


def _samples(frames: list[Any]) -> Float32[np.ndarray, " n"]:
    parts = []
    for frame in frames:
        values = frame.to_ndarray()
        row = values.reshape(-1) if values.dtype == np.float32 else values.reshape(-1) / 32768
        parts.append(row.astype(np.float32))
    return np.concatenate(parts)
