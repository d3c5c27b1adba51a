"""Files behind URLs, and the sentences when they cannot be reached."""

import fsspec.core
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.storage.place import is_file, is_remote, local_folder, placed, read_text
from llavataros_jax.storage.remote import fetch, files_of, read, remove, send, write
from tests.buckets import BUCKET, CountedFiles, bucket  # noqa: F401


def test_files_go_and_come(bucket, tmp_path):  # noqa: F811
    url = f"{BUCKET}/a/b.txt"
    write(url, "çok".encode())
    assert read_text(url) == "çok"
    assert [is_file(place) for place in (url, f"{BUCKET}/a", f"{url}x")] == [True, False, False]
    assert read(url, 1, 3) == "ç".encode()[1:] + b"o"
    (tmp_path / "c").write_bytes(b"12")
    send(tmp_path / "c", f"{BUCKET}/a/d/c")
    assert {name: file.size for name, file in files_of(f"{BUCKET}/a/").items()} == {
        "b.txt": 4, "d/c": 2
    }  # fmt: skip
    fetch(f"{BUCKET}/a/d/c", tmp_path / "e/f")
    assert (tmp_path / "e/f").read_bytes() == b"12"
    assert files_of(f"{BUCKET}/nothing") == {}
    with pytest.raises(FileNotFoundError):
        read(f"{BUCKET}/a/c")
    with pytest.raises(FileExistsError):
        write(url, b"", is_new=True)
    remove(f"{BUCKET}/a")
    remove(f"{BUCKET}/a")
    assert files_of(BUCKET) == {}


def test_a_listing_tells_what_was_written_anew(bucket):  # noqa: F811
    write(f"{BUCKET}/a", b"1")
    before = files_of(BUCKET)
    assert files_of(BUCKET) == before
    write(f"{BUCKET}/a", b"2")
    assert files_of(BUCKET)["a"].version != before["a"].version


def test_places(tmp_path):
    assert is_remote("gs://bucket/run")
    assert not any(map(is_remote, ("runs/a", "/runs/a:b", "C:/runs", tmp_path)))
    assert placed("gs://bucket/run/", "a", "b.txt") == "gs://bucket/run/a/b.txt"
    assert placed(str(tmp_path), "a", "b") == tmp_path / "a" / "b"
    given = {"option": "data.records", "purpose": "preparation needs"}
    assert local_folder(str(tmp_path), **given) == tmp_path
    with pytest.raises(UserError, match=r"needs a folder .* data.records=s3://b is a URL; name"):
        local_folder("s3://b", **given)


def test_what_cannot_be_reached_is_told(bucket, monkeypatch):  # noqa: F811
    with pytest.raises(UserError, match=r"nowhere://b/c begins with nowhere://, by which no"):
        read("nowhere://b/c")

    def refuse(*_, **__):
        raise PermissionError("Anonymous caller\nhas no access")

    for method in ("cat_file", "pipe_file", "put_file", "find"):
        monkeypatch.setattr(CountedFiles, method, refuse)
    for call in (lambda url: read(url), lambda url: write(url, b""), lambda url: files_of(url)):
        with pytest.raises(UserError, match=r"/x cannot be reached \(PermissionError: Anonymous "):
            call(f"{BUCKET}/x")


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("s3", "s3fs")])
def test_a_missing_package_is_named(scheme, package, monkeypatch):
    def absent(_):
        raise ImportError(f"Please install {package}")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(UserError, match=rf"{scheme}://b/c needs {package}; install with: "):
        read(f"{scheme}://b/c")
