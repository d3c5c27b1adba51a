"""What the command refuses before it draws."""

import sys

import pytest

from llavataros.attention import main, require_within
from llavataros_jax.errors import UserError


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
