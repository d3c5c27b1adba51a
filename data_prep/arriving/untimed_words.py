"""Words without times."""

from data_prep.arriving.no_words import NoWords
from llavataros_jax.config import Config


class UntimedWords(NoWords):
    def __init__(self, config: Config):
        super().__init__(config)

    def say(self, text: str) -> None:
        raise NotImplementedError
