"""The optional neural voice: its files are checked, and a tensor inside its graph can be read."""

import numpy as np
import pytest

from data_prep.corpus import __main__ as door
from data_prep.corpus.hours.neural_voice import _with_output, find_voice
from llavataros_jax.errors import UserError


def field(number: int, content: bytes | int) -> bytes:
    """One field of a message of Protocol Buffers, shorter than 128 bytes."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def model() -> bytes:
    """An ONNX graph of y = Exp(Neg(x)), of two numbers."""
    kind = field(1, field(1, 1) + field(2, field(1, field(1, 2))))
    graph = (
        field(1, field(1, b"x") + field(2, b"inside") + field(4, b"Neg"))
        + field(1, field(1, b"inside") + field(2, b"y") + field(4, b"Exp"))
        + field(2, b"graph")
        + field(11, field(1, b"x") + field(2, kind))
        + field(12, field(1, b"y") + field(2, kind))
    )
    return field(1, 8) + field(8, field(2, 13)) + field(7, graph)


def test_a_tensor_of_the_graph_becomes_an_output():
    onnxruntime = pytest.importorskip("onnxruntime")
    plain = onnxruntime.InferenceSession(model(), providers=["CPUExecutionProvider"])
    assert [output.name for output in plain.get_outputs()] == ["y"]
    session = onnxruntime.InferenceSession(
        _with_output(model(), "inside"), providers=["CPUExecutionProvider"]
    )
    given = np.array([1.0, -2.0], np.float32)
    y, inside = session.run(["y", "inside"], {"x": given})
    np.testing.assert_allclose(inside, -given)
    np.testing.assert_allclose(y, np.exp(-given), rtol=1e-6)


def test_the_voice_is_found_in_its_folder(tmp_path):
    (tmp_path / "data").mkdir()
    voice = tmp_path / "data" / "joe.onnx"
    voice.write_bytes(model())
    with pytest.raises(UserError, match=r"joe\.onnx\.json"):
        find_voice(tmp_path)
    (tmp_path / "data" / "joe.onnx.json").write_text("{}")
    assert find_voice(tmp_path) == find_voice(voice) == voice


def test_what_is_no_voice_is_refused_before_anything_is_made(tmp_path, capsys):
    out = tmp_path / "out"
    for path in (tmp_path, tmp_path / "none.onnx"):
        assert door.main(["--hours", "1", "--out", str(out), "--piper", str(path)]) == 2
        assert "--piper" in capsys.readouterr().err
    assert not out.exists()
