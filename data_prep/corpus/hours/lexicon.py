"""The words that have a gesture, by meaning: synonyms that word vectors place near each other.

Meanings are deictic (`me` to `down`), iconic (`big` to `few`), metaphoric (`before` to `all`),
emblems (`no`, `stop`, `maybe`), enumeration and open questions. Of each meaning's candidates those
were taken whose vector, of the package `wordllama`, is nearer to the mean of the others than to any
other meaning's mean. `me`, `my`, `you`, `there`, `why` and `where` and their like are nearer to
another and were kept, since people say them all the time.
"""

import functools
from types import MappingProxyType

_LISTED = {
    "me": "me i my mine myself we us our ours ourselves",
    "you": "you your yours yourself yourselves thou thee thy thine",
    "here": "here near nearby close closer closest local locally neighbouring adjacent",
    "there": "there away far farther farthest distant distance faraway beyond remote horizon",
    "up": "up upward upwards above high higher rise rising raise raised climb climbing climbed "
    "lift lifted",
    "down": "down downward downwards below low lower lowered drop dropped fall falling fell "
    "descend descent bottom",
    "big": "big bigger biggest large larger huge enormous giant gigantic massive immense vast "
    "great",
    "small": "small smaller smallest tiny little mini miniature micro microscopic minor petite "
    "slight",
    "long": "long longer longest lengthy length lengthened extended prolonged stretch stretched "
    "stretching",
    "round": "round rounded circle circles circular sphere spherical ball ring orb oval rotate",
    "fast": "fast faster fastest quick quickly rapid rapidly swift swiftly speed speedy speeding "
    "hasty hurried",
    "many": "many much several numerous various lots hundreds thousands millions masses crowd "
    "loads tons",
    "few": "few fewest rare rarely rarest scarce scarcely scarcity sparse sparsely hardly barely",
    "before": "before beforehand earlier previous previously preceding prior past former formerly "
    "ago",
    "after": "after afterwards afterward later following follow followed subsequent subsequently "
    "thereafter eventually",
    "one_side": "certainly clearly definitely evidently indeed obviously surely truly sure true "
    "plainly admittedly",
    "other_side": "but however although though whereas despite instead nevertheless contrary "
    "rather unlike while",
    "idea": "idea ideas concept concepts notion thought thoughts theory thinking imagination "
    "insight intuition hypothesis",
    "give": "give gives gave given giving offer offers provide provides deliver grant gift",
    "together": "together joined joining joint jointly combine combined combining merge merged "
    "linked connected connect",
    "apart": "apart divide divided dividing division separate separated separately separates "
    "separation split splitting",
    "all": "all entire entirely every everybody everyone everything everywhere whole completely "
    "totally always",
    "no": "no not never none nobody nothing neither nope without cannot denied refuse",
    "stop": "stop stops stopped stopping halt halted cease ceased quit pause terminate end ending",
    "maybe": "maybe perhaps possibly possible probably probable likely potentially may might "
    "could uncertain",
    "first": "first firstly initial initially begin beginning begins start starting",
    "second": "second secondly two twice double dual pair couple another",
    "third": "third thirdly three thirds triple triplet trio threefold",
    "question": "what which who whom whose whatever whoever how why where",
}

# Meaning -> words that mean it, the one that names it best first.
MEANINGS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {meaning: tuple(words.split()) for meaning, words in _LISTED.items()}
)
_MEANING_OF = {word: meaning for meaning, words in MEANINGS.items() for word in words}


def meaning_of(word: str) -> str | None:
    """Returns the meaning of a word in lower case, if it has a gesture."""
    return _MEANING_OF.get(word)


def held_out(meaning: str) -> tuple[str, ...]:
    """Returns a third of a meaning's words, to be left out of training and asked for afterwards.

    Every third one in alphabetical order, whatever its vector; the first of `MEANINGS` never.
    """
    return tuple(sorted(MEANINGS[meaning][1:])[1::3])


@functools.cache
def all_held_out() -> frozenset[str]:
    """Returns the words that are held out of all meanings."""
    return frozenset(word for meaning in MEANINGS for word in held_out(meaning))
