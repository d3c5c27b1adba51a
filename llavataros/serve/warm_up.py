"""All that a first session would wait for is done before it comes."""

import threading

import numpy as np

from data_prep.words.word import Word
from llavataros.live.options import SessionOptions
from llavataros.serve.backend import LiveEngine

_SOUND_SECONDS = 2.0
_MOST_SECONDS = 60.0
_RATE = 48000


def warm_up(engine: LiveEngine, stop: threading.Event) -> None:
    """Compiles, and moves a session through once: word vectors, filters, steps and flush.

    The engine must be running in a thread.
    """
    engine.warm_up()
    session = engine.open(SessionOptions(words="timed"))
    try:
        news = threading.Event()
        session.on_news = news.set
        noise = np.random.default_rng(0).standard_normal(int(_SOUND_SECONDS * _RATE))
        session.hear((0.05 * noise).astype(np.float32), _RATE)
        session.say([Word("hello", 0.2, 0.6)], known_until_seconds=_SOUND_SECONDS)
        session.end()
        waited = 0.0
        while not (session.is_over or stop.is_set()) and waited < _MOST_SECONDS:
            news.wait(0.1)
            news.clear()
            waited += 0.1
            session.take()
    finally:
        session.close()
