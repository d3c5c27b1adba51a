"""Rules of the grammar for whole sentences of each kind.

A rule is a list of alternatives, each with its weight where it is not 1 (`3|...`). `{name}` is
another rule or a class of words, `*word` asks for emphasis, and `~word` is a filler, whose meaning
nobody shows.
"""

from data_prep.corpus.hours.phrases import PHRASES

# fmt: off
_SENTENCES: dict[str, tuple[str, ...]] = {
    "statement": (
        "12|{fact}.", "8|{fact}, and {fact}.", "3|{fact}, {m_but} {fact}.", "3|{said} that {fact}.",
        "4|{m_surely}, {fact}.", "2|{who} {m_surely} {did}.", "3|{m_before}, {fact}.",
        "2|{fact} {together}.", "2|{when_it_is}, {fact}.", "2|{m_maybe} {fact}.",
        "{fact}, so {fact}.", "{fact} because {fact}.",
        "{m_before}, {fact}, {m_but} {m_after} {fact}.", "before, {fact}, and after that, {fact}.",
        "on the one hand {fact}, on the other hand {fact}.", "if {fact}, then {fact}.",
        "here is {what_it_is}.", "there is {what_it_is} {where}.", "{fact} - {fact}.",
        "{name}, who {did}, {act_ed} {what_it_is}.", "the {any_noun}, {degree} {quality}, {did}.",
        "{what_it_is} and {what_it_is} belong together.", "it goes up, {m_but} {fact}.",
        "whoever {did}, {fact}.", "whatever {who} {say_ed}, {fact}.", "{although} {fact}, {fact}.",
        "I know why {fact}.", "I wonder how {who} {did}.", "she told me where {who} {did}.",
        "{quantity} {any_nouns}, that is what {who} {act_ed}.", "true, {fact}.", "sure, {fact}.",
        "and then {fact}.", "so {fact}.", "well, {fact}.", "{said}, {fact}.",
        "although {fact}, {fact}.", "they {did}, ceased {be_ing} and then {did}.",
        "as we say, thou and thee, and thy and thine.", "to put it {manner}, {fact}.",
        "{manner}, {who} {did}.", "to the contrary, {fact}.", "{fact}, {though} {fact}.",
        "this one is {is_like}, {though} that one is {is_like}.",
    ),
    "although": ("although", "while", "whereas", "though", "since", "because", "when", "after"),
    "though": ("though", "but", "whereas", "while", "although", "yet", "and"),
    "question": (
        "3|what did {who} {act}?", "3|why did {who} {does}?", "3|where did {who} {act} it?",
        "2|who {did}?", "2|how did {who} {does}?", "2|which {any_noun} is {is_like}?",
        "2|do you {does}?", "2|did {who} {does}?", "2|can you {does}?",
        "whose {any_noun} is that?", "could {who} {does}?", "are you {doing}?",
        "is {what_it_is} {is_like}?", "who is that {person}?",
        "how many {any_nouns} did {who} {act}?", "how big is {what_it_is}?",
        "how long is the {event}?", "what do you think about {what_it_is}?",
        "where is {what_it_is}?", "why not?", "what is {m_where}?", "would you {does}, please?",
        "have you {act_ed} {what_it_is}?", "what if {fact}?", "who knows why {fact}?",
        "whom did {who} {meet}?", "isn't it {is_like}?", "don't you {does}?", "{fact}, right?",
        "you {did}, didn't you?", "how fast can it go?", "what, {who} {did}?",
        "how could {who} {does}?", "why is {what_it_is} {is_like}?", "really?",
        "which of the {any_nouns} is yours?", "so where do we {go}?", "may I {does}?",
        "when was that?", "whatever did {who} {act}?", "is it {is_like} or {is_like}?",
        "what time is it?",
    ),
    "negation": (
        "3|no, {fact}.", "3|{who} did not {does}.", "3|{they} never {act_ed} {what_it_is}.",
        "2|{m_none} {did}.", "2|{they} don't {does}.", "2|I can't {act} {what_it_is}.",
        "2|it isn't {is_like}.", "2|{who} didn't {does}.",
        "it was not {what_it_is}, but {what_it_is}.", "nobody {did}.", "no, no, {fact}.",
        "there is nothing {where}.", "none of the {any_nouns} {did}.",
        "neither {name} nor {name} {did}.", "we cannot {does}.", "{who} won't {does}.",
        "nope, {fact}.", "no way, {fact}.", "stop it, {fact}.", "{who} refuse to {does}.",
        "without {mass}, {fact}.", "that's *not {what_it_is}, that's *{what_it_is}.",
        "I wouldn't {does}.", "never again.", "he denied that {fact}.",
        "there was no {mass} {where}.", "please {m_stop} {doing}.", "{who} had no {m_idea}.",
        "not {when_it_is}, not {when_it_is}, never.", "no {any_noun} {did}.",
        "they {m_stopped} {doing}, and {fact}.", "cease it.", "halt, {fact}.",
        "let us pause {where}.",
    ),
    "list": (
        "3|{who} {act_ed} {foods}, {foods} and {foods}.",
        "3|{who} {act_ed} {things}, {things}, {things} and {things}.",
        "2|there were {animals}, {animals} and {animals} {where}.",
        "4|first, {fact}, second, {fact}, and third, {fact}.", "firstly {fact}, secondly {fact}.",
        "{first}, {fact}, {second}, {fact}, and {third}, {fact}.", "one, two, three, {number}.",
        "{name}, {name}, {name} and {name} {did}.", "we went to {town}, {town} and {town}.",
        "it was {adj}, {adj} and {degree} {quality}.",
        "he speaks {number}, no, {number} languages.",
        "there are three reasons, {matters}, {matters} and {mass}.",
        "I need {mass}, {mass} and {mass}.", "on {day}, on {day} and on {day}, {fact}.",
        "you {act}, you {act}, and you {act}.",
        "begin with the {things}, then the {things}, and end with the {things}.",
        "some {act_ed}, some {act_ed}, and all {be_ed}.",
        "he had {colour}, {colour} and {colour} {things}.",
        "two {things}, three {things} and {number} {things}.", "{number}, {number}, {number}.",
        "her {part}, her {part} and her {part} hurt.",
        "twice {where}, then {where}, then {where}.",
        "initially {fact}, then {fact}, and the third time {fact}.",
    ),
    "first": (
        "first", "firstly", "to begin with", "to start", "at the beginning", "initially", "one",
    ),
    "second": ("second", "secondly", "two", "then", "as a second thing"),
    "third": ("third", "thirdly", "three", "as a third thing", "finally"),
    "exclamation": (
        "3|what a {noun_adj} {any_noun}!", "2|{fact}!", "how {quality}!", "{oh}, {fact}!",
        "{oh}, how {quality}!", "look at {what_it_is}!", "it is so {is_like}!", "stop!",
        "come here!", "{does}!", "look up there!", "give it to {whom}!", "{name}, {does}!",
        "that is *{m_size}!", "never!", "I {act} it!", "hurry up!", "what {mass}!",
        "everything is {quality}!", "no!", "such a {noun_adj} {any_noun}!",
        "get away from {what_it_is}!", "{name}, over here!", "come on!",
    ),
    "oh": (
        "oh", "wow", "hey", "ah", "gosh", "great", "goodness", "hooray", "yes", "look", "listen",
    ),
    "hesitation": (
        "4|{hm}, {fact}.", "2|{hm}, {m_maybe} {fact}.",
        "2|{who} {act_ed} the, {hm}, {adj} {any_noun}.", "2|{fact}, {hm}, {fact}.",
        "{said}, {hm}, {fact}.", "well, {hm}, {fact}, ~you ~know.", "I don't know, {hm}, {fact}.",
        "{who} {act_ed}, {hm}, {what_it_is}.", "{hm}, {hm}, {fact}.",
        "it was like, {hm}, {is_like}.", "{fact}, or something, {hm}, {where}.",
        "uncertain, {hm}.", "it's, {hm}, {what_it_is}.", "{m_maybe}, {hm}, {m_maybe} not.",
        "perhaps, {fact}, I guess.",
    ),
    "hm": (
        "3|um", "3|uh", "2|well", "2|~I ~mean", "2|~you ~know", "er", "hmm", "like", "so", "okay",
        "let ~me see", "um, well", "uh, ~you ~know", "sort of", "kind of", "anyway", "actually",
    ),
    "backchannel": (
        "3|yeah.", "2|right.", "2|mm.", "okay.", "really?", "sure.", "oh.", "yes.", "exactly.",
        "true.", "I see.", "no way!", "wow!", "of course.", "uh huh.", "indeed.",
    ),
}
# fmt: on

RULES = {**PHRASES, **_SENTENCES}
