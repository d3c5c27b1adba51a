"""The shares that the picture shows are those by which the network computes."""

import sys

import jax
import numpy as np
import pytest

from llavataros.attention import attention_shares, draw, main, require_within
from llavataros_jax.errors import UserError
from tests.model.conftest import make_probe


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.slow
def test_shares_give_what_the_next_block_reads(norm):
    probe = make_probe(norm=norm)
    _, before = probe.run([12, 12][:1])
    _, after = probe.run([12, 12])
    shares, answer = attention_shares(probe.model, probe.params, before, after, block=0)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-5)
    distance = np.arange(12)[:, None] + 12 - np.arange(24)
    assert not shares[..., (distance < 0) | (distance >= 12)].any()

    def normalised(x, part):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return scaled * part["scale"] + part["bias"]

    block = jax.tree.map(np.asarray, probe.params["self_blocks"][0])
    x, expected = (np.asarray(after.hidden[:, slot]) for slot in (0, 1))

    def feed_forward(h):
        expand, contract = block["feed_forward"]["expand"], block["feed_forward"]["contract"]
        hidden = np.maximum(h @ expand["kernel"] + expand["bias"], 0)
        return hidden @ contract["kernel"] + contract["bias"]

    if norm == "pre":
        h = x + answer
        output = h + feed_forward(normalised(h, block["feed_forward_norm"]))
    else:
        h = normalised(x + answer, block["attention_norm"])
        output = normalised(h + feed_forward(h), block["feed_forward_norm"])
    np.testing.assert_allclose(output, expected, atol=2e-5)


def test_the_picture_is_written(tmp_path):
    shares = np.full((6, 12), 1 / 12)
    draw(
        tmp_path / "a.png", shares, first_seconds=2.0, fps=30,
        words=[("hello", 2.1, 2.15)], title="block 0",
    )  # fmt: skip
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_words_and_names_are_written_as_they_are(tmp_path):
    shares = np.full((6, 12), 1 / 12)
    draw(
        tmp_path / "a.png", shares, first_seconds=2.0, fps=30,
        words=[("$5_{", 2.1, 2.15), ("\\frac$", 2.1, 2.15)], title="clip$^$: block 0",
    )  # fmt: skip
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("count", "message"),
    [(3, "--head 7 is not among 0 to 2"), (1, "--head 7 is not 0"), (0, "there is no head")],
)
def test_a_number_out_of_range_is_refused(count, message):
    with pytest.raises(UserError, match=message):
        require_within("--head", 7, count)


@pytest.mark.parametrize(
    ("out", "missing", "message"),
    [("a.xyz", None, "must end in one of .png"), ("a.png", "matplotlib", "needs matplotlib;")],
)
def test_a_picture_that_cannot_be_drawn_is_refused_first(
    tmp_path, monkeypatch, capsys, out, missing, message
):
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    arguments = ["--checkpoint", str(tmp_path / "none"), "--out", str(tmp_path / out)]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
