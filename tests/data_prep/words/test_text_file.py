"""Texts as the programs of other systems write them."""

from pathlib import Path

import pytest

from data_prep.clips.speech import read_transcript
from data_prep.words.text_file import read_text
from llavataros_jax.errors import UserError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_transcript_of_any_system_is_the_same(
    tmp_path: Path, encoding: str, line_end: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"Hé said{line_end}“hello”.".encode(encoding))
    assert read_transcript(path) == "Hé said\n“hello”."


def test_what_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in (b"caf\xe9", b"\xff\xfea", b"\xfe\xff\xd8"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.txt is not UTF-8 text"):
            read_text(path)
    path.write_bytes(b"caf\xe9")
    assert read_text(path, otherwise="latin-1") == "café"
    with pytest.raises(UserError, match=r"nowhere cannot be read \(No such file"):
        read_text(tmp_path / "nowhere")
