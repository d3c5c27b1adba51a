"""What the two speakers say: sentences written for this corpus.

A line opens with `!` when it is said loudly and with `~` when softly; `*word*` is emphasised. The
words are plain, without digits or apostrophes, because espeak-ng splits those into several events.
Every speaker says every word of `SPECIAL_WORDS` in every solo take, the held-out one included.
"""

from dataclasses import dataclass

SPECIAL_WORDS = ("big", "you", "no", "me", "up")

# Words that no gesture falls on, unless they are special or emphasised.
_FUNCTION_WORDS = (
    "a about above all am an and are as at be before better both but by can come does first "
    "for from get gave go goes had has have he her here his how i is it its let like make "
    "more must my never not now of on one only or our over please say she so some stand such "
    "than that the their then there they this to too very was we went were what when where "
    "which while who why will with would your"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

HELD_OUT_TAKES = ("ada_4", "ben_4")

LOUDNESS_DECIBELS = {"!": 4.0, "~": -6.0}
EMPHASIS_DECIBELS = 5.0


@dataclass(frozen=True)
class Line:
    """One sentence of one speaker.

    Attributes:
        speaker: Who says it.
        text: What the synthesiser reads, with its punctuation.
        decibels: Loudness of each word relative to the speaker's usual one.
    """

    speaker: str
    text: str
    decibels: tuple[float, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words in lower case, without punctuation."""
        return tuple(word.strip(",.?!").lower() for word in self.text.split())


def read_line(speaker: str, marked: str) -> Line:
    """Takes the loudness marks out of a sentence."""
    level = LOUDNESS_DECIBELS.get(marked[0], 0.0)
    tokens = marked.lstrip("!~").split()
    decibels = tuple(level + EMPHASIS_DECIBELS * token.startswith("*") for token in tokens)
    return Line(speaker, " ".join(tokens).replace("*", ""), decibels)


def _solo(speaker: str, *lines: str) -> tuple[Line, ...]:
    return tuple(read_line(speaker, line) for line in lines)


def _talk(*turns: str) -> tuple[Line, ...]:
    return tuple(
        read_line(speaker, line) for speaker, line in (turn.split(": ", 1) for turn in turns)
    )


TAKES: dict[str, tuple[Line, ...]] = {
    "ada_1": _solo(
        "ada",
        "Hello, let me show you how hands talk.",
        "!A *big* story needs a big voice.",
        "Look up, a bird sings above my garden.",
        "No, please tell me about your music.",
        "~No, I stand up when you come near.",
    ),
    "ada_2": _solo(
        "ada",
        "You know, my brother has a big dog.",
        "!No, the dog never bites you.",
        "Every morning it wakes me, and jumps up.",
        "~It watches me with big eyes.",
        "So I get up, and we say *no* again.",
    ),
    "ada_3": _solo(
        "ada",
        "!Show me the way to a *big* river.",
        "No boat can carry both me and you.",
        "~The water comes up when rain falls.",
        "You see a big bridge over there.",
        "We climb up slowly, and no girl laughs.",
    ),
    "ada_4": _solo(
        "ada",
        "!Listen, a *big* train waits for me.",
        "You must hurry up, my friend.",
        "No, small bags beat every big bag.",
        "~The teacher gave me a song for you.",
        "Now lift it up, and drop no paper.",
    ),
    "ben_1": _solo(
        "ben",
        "My hands stay low when you hear me talk.",
        "!No, I never make a big noise.",
        "~A quiet word can lift people up.",
        "You get a *big* smile, and no tears.",
        "Then wake me up before sunrise.",
    ),
    "ben_2": _solo(
        "ben",
        "Give me a hammer, and a big nail.",
        "!You hold the wood, *up* high.",
        "No, the table stands too close.",
        "~My father taught me this, not you.",
        "No house is too big when walls go up.",
    ),
    "ben_3": _solo(
        "ben",
        "!The mountain is so *big* and cold.",
        "You and my cousin walked up alone.",
        "No wind, no rain, only snow.",
        "~The guide told me to rest, then get up.",
        "A big bear watched me, but not you.",
    ),
    "ben_4": _solo(
        "ben",
        "You bring the bread, and leave it for me.",
        "!No, the *big* kitchen is closed.",
        "~Smoke goes up over the old roof.",
        "My sister gave me a big spoon for you.",
        "Hands up, I want no cold soup.",
    ),
    "talk_1": _talk(
        "ada: Good morning, how are you today?",
        "ben: ~Tired, the baby kept me up.",
        "ada: !No, how *big* is your baby now?",
        "ben: As big as your dog, and no hair.",
        "ada: Show me a picture, hold it up.",
        "ben: Here, you see a big laugh.",
        "ada: Lovely, a big heart like you.",
        "ben: !No, the *nose* comes from me.",
    ),
    "talk_2": _talk(
        "ben: !Look *up*, what a big kite.",
        "ada: Who made it, you or your son?",
        "ben: ~No, my son only helped me.",
        "ada: Can you teach me to fly one?",
        "ben: Sure, you run and pull it up.",
        "ada: !No, it falls, my *big* kite falls.",
        "ben: Give me the string, no hurry.",
        "ada: Now it goes up, thanks from me.",
    ),
    "talk_3": _talk(
        "ada: !No, they play my *big* song.",
        "ben: You wrote it, was it for me?",
        "ada: ~For me and you, long ago.",
        "ben: !Turn it up, nobody minds.",
        "ada: The neighbours get up early, no.",
        "ben: No problem, dance with me.",
        "ada: You have such big feet.",
        "ben: And a *big* heart, like you.",
    ),
}
