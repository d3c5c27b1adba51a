"""Opus that arrives, against libsndfile's decoding of the same file, and bytes that are none."""

import functools
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arriving.opus import SAMPLE_RATE, OpusDecoder
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_mono

av = pytest.importorskip("av")
SECONDS = 0.7


def chirp() -> np.ndarray:
    times = np.arange(round(SECONDS * SAMPLE_RATE) + 77) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 300 * times * (1 + times))).astype(np.float32)


@functools.cache
def coded(layout: str = "mono") -> tuple[bytes, tuple[bytes, ...]]:
    """Returns an Ogg file of the chirp, and its packets."""
    file, channels = io.BytesIO(), 1 if layout == "mono" else 2
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout=layout)
        for begin in range(0, len(chirp()), 960):
            part = np.repeat(chirp()[begin : begin + 960], channels)[None]
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate, frame.pts = SAMPLE_RATE, begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as container:
        packets = tuple(bytes(packet) for packet in container.demux() if packet.size)
    return file.getvalue(), packets


@functools.cache
def decoded_file(layout: str = "mono") -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ogg"
        path.write_bytes(coded(layout)[0])
        return read_mono(path, SAMPLE_RATE)


def joined(decoder: OpusDecoder, payloads) -> np.ndarray:
    return np.concatenate([decoder.decode(payload) for payload in payloads])


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_packets_are_what_libsndfile_decodes_and_keep_their_time(layout):
    expected = decoded_file(layout)
    found = joined(OpusDecoder(), coded(layout)[1])
    assert len(found) == 960 * len(coded(layout)[1]) - 312
    np.testing.assert_allclose(found[: len(expected)], expected, atol=2e-5)
    np.testing.assert_allclose(found[2000:30000], chirp()[2000:30000], atol=0.02)


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, len(coded()[0])), max_size=30))
def test_an_ogg_stream_may_be_cut_anywhere_and_ends_where_it_says(cuts):
    data, places = coded()[0], sorted([0, *cuts])
    pieces = [data[a:b] for a, b in zip(places, [*places[1:], len(data)], strict=True)]
    found = joined(OpusDecoder(), pieces)
    np.testing.assert_allclose(found, decoded_file(), atol=2e-5)


def test_a_header_says_how_much_comes_before_the_sound():
    head = coded()[0][28:47]
    assert head.startswith(b"OpusHead")
    later = head[:10] + (1312).to_bytes(2, "little") + head[12:]
    plain = joined(OpusDecoder(), coded()[1])
    np.testing.assert_array_equal(joined(OpusDecoder(), [later, *coded()[1]]), plain[1000:])


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"\xfb\x00"])
def test_later_sound_keeps_its_time_when_a_packet_is_lost_or_damaged(damage):
    packets, decoder = list(coded()[1]), OpusDecoder()
    packets[9] = damage
    found, plain = joined(decoder, packets), joined(OpusDecoder(), coded()[1])
    assert len(found) == len(plain)
    assert decoder.damaged == bool(damage)
    lost = slice(9 * 960 - 312, 10 * 960 - 312)
    np.testing.assert_array_equal(found[lost], 0)
    np.testing.assert_array_equal(found[: lost.start], plain[: lost.start])
    np.testing.assert_allclose(found[lost.stop + 4800 :], plain[lost.stop + 4800 :], atol=0.02)


@pytest.mark.parametrize(
    ("payloads", "sentence"),
    [
        ([b"\xff" * 40], "the first packet, of 40 bytes, is none of Opus"),
        ([b"\0" * 70000], "has 70000 bytes, but one of Opus has at most 61440"),
        ([b"\x1a\x45\xdf\xa3 webm"], "is WebM.*one by one, or Ogg"),
        ([b"OpusHead\x01\x07" + b"\0" * 9], "more channels than two"),
        ([b"OpusHead"], "more channels than two"),
        ([coded()[0][:47], b"OggX" * 10], "does not begin where the one before it ends"),
        ([b"OggS" + b"\0" * 22 + b"\1\3abc"], "no sound of Opus"),
        ([coded()[1][0], *[b"\xff" * 40] * 50], "50 packets in a row"),
    ],
)
def test_what_is_no_opus_is_refused_in_one_sentence(payloads, sentence):
    with pytest.raises(UserError, match=sentence):
        joined(OpusDecoder(), payloads)


@settings(max_examples=150, deadline=None)
@given(payloads=st.lists(st.binary(max_size=200), max_size=8), is_begun=st.booleans())
def test_any_bytes_are_sound_of_at_most_its_length_or_refused(payloads, is_begun):
    decoder = OpusDecoder()
    if is_begun:
        decoder.decode(coded()[1][0])
    try:
        found = [decoder.decode(payload) for payload in payloads]
    except UserError:
        return
    for samples in found:
        assert samples.dtype == np.float32
        assert len(samples) <= 5760  # 120 ms
        assert np.isfinite(samples).all()
