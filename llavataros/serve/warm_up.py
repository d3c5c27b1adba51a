"""All that a first session would wait for is done before it comes."""

import threading

import numpy as np

from data_prep.words.word import Word
from llavataros.live.options import SessionOptions
from llavataros.serve.backend import LiveEngine, LiveSession
from llavataros_jax.errors import UserError

_SOUND_SECONDS = 0.8
_MOST_SECONDS = 60.0
_RATE = 48000


def warm_up(engine: LiveEngine, stop: threading.Event) -> None:
    """Compiles, and moves a session of each kind through: word vectors, filters, steps and flush.

    The engine must be running in a thread.
    """
    engine.warm_up()
    for words in ("timed", "untimed", "none"):
        try:
            session = engine.open(SessionOptions(words=words))
        except UserError:  # a run that hears no words, for one; sessions of that kind are told
            continue
        try:
            _move(session, words, stop)
        finally:
            session.close()


def _move(session: LiveSession, words: str, stop: threading.Event) -> None:
    news, waited = threading.Event(), 0.0
    session.on_news = news.set
    noise = np.random.default_rng(0).standard_normal(int(_SOUND_SECONDS * _RATE))
    session.hear((0.05 * noise).astype(np.float32), _RATE)
    if words == "timed":
        session.say([Word("hello", 0.2, 0.6)], known_until_seconds=_SOUND_SECONDS)
    elif words == "untimed":
        session.say_text("hello ")
    session.end()
    while not (session.is_over or stop.is_set()) and waited < _MOST_SECONDS:
        news.wait(0.1)
        news.clear()
        waited += 0.1
        session.take()
