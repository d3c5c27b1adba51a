"""One process at a time at a URL."""

import threading
import time

import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.storage import lease
from llavataros_jax.storage.lease import Lease
from tests.buckets import BUCKET, bucket  # noqa: F401

URL = f"{BUCKET}/run/.lock"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.04)


def leased() -> Lease:
    return Lease(URL, option="training.run", place=f"{BUCKET}/run")


def test_who_is_alive_keeps_it(bucket, quick):  # noqa: F811
    with leased() as first:
        with pytest.raises(UserError, match=r"training.run=.*/run is in use by process \d+ on"):
            leased().__enter__()
        assert not first.is_lost
        assert bucket.exists(URL)
    assert not bucket.exists(URL)
    with leased():
        pass


def test_what_a_kill_left_is_taken_over(bucket, quick, capsys):  # noqa: F811
    bucket.pipe_file(URL, b"0123 7\nprocess 5 on node-3\n")
    began = time.monotonic()
    with leased():
        assert 0.12 <= time.monotonic() - began < 10
        assert b"node-3" not in bucket.cat_file(URL)
    assert "was left by process 5 on node-3, or is in use" in capsys.readouterr().err


def test_it_is_known_when_another_took_it(bucket, quick):  # noqa: F811
    with leased() as first:
        bucket.pipe_file(URL, b"other 1\nprocess 6\n")
        until = time.monotonic() + 10
        while not first.is_lost and time.monotonic() < until:
            time.sleep(0.01)
        assert first.is_lost
    assert bucket.cat_file(URL) == b"other 1\nprocess 6\n"


def test_of_many_at_once_one_gets_it(bucket, quick):  # noqa: F811
    bucket.pipe_file(URL, b"0123 7\nprocess 5 on node-3\n")
    got, refused, done = [], [], threading.Event()

    def contend():
        try:
            with leased() as mine:
                got.append(mine)
                done.wait(5)
        except UserError as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=contend) for _ in range(3)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while len(refused) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    done.set()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 2)
