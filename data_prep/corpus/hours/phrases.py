"""Rules of the grammar for the parts of sentences; `rules.py` says how they are written."""

# The words of `lexicon.MEANINGS` by the place of a sentence that they can take; a hyphen stands
# for a space.
MEANING_CLASSES = {
    "m_size": "big large huge enormous giant gigantic massive immense vast great small tiny "
    "little mini miniature micro microscopic minor petite slight long lengthy round rounded "
    "circular spherical oval extended prolonged stretched lengthened",
    "m_shape": "circle sphere ball ring orb oval circles",
    "m_more": "bigger larger smaller longer faster closer farther higher lower",
    "m_most": "biggest largest smallest longest fastest closest farthest fewest rarest initial "
    "entire whole",
    "m_pace": "fast quick rapid swift speedy hasty hurried",
    "m_paced": "fast quickly rapidly swiftly faster",
    "m_amount": "many much several numerous various lots-of hundreds-of thousands-of millions-of "
    "masses-of loads-of tons-of few three double-the twice-the triple-the two all-the",
    "m_dear": "local nearby neighbouring adjacent distant remote faraway far-away rare sparse "
    "scarce entire whole dual double triple threefold joint separate divided connected possible "
    "probable likely uncertain initial former previous earlier past prior preceding subsequent "
    "following later high low long distant",
    "m_where": "here there nearby away up-here down-there up-there over-there locally upwards "
    "upward downwards downward near-here far-away close-by apart together everywhere above below "
    "beyond-the-{place} near-the-{place} above-the-{place} below-the-{place} down-the-{place} "
    "up-the-{place} here-and-there higher lower in-the-distance on-the-horizon at-the-bottom "
    "closer adjacent-to-the-{place} beyond",
    "m_before": "before beforehand earlier previously formerly ago",
    "m_after": "afterwards afterward later subsequently thereafter eventually after",
    "m_surely": "certainly clearly definitely evidently indeed obviously surely truly plainly "
    "admittedly",
    "m_but": "but however although though whereas instead nevertheless rather while",
    "m_idea": "idea concept notion thought theory insight intuition hypothesis",
    "m_ideas": "ideas concepts thoughts thinking imagination",
    "m_join": "join combine merge connect link",
    "m_joined": "joined combined merged connected linked divided separated split",
    "m_part": "divide separate split combine merge connect",
    "m_parting": "dividing splitting joining combining separation division",
    "m_all": "everybody everyone",
    "m_wholly": "entirely completely totally always wholly jointly separately rarely scarcely "
    "sparsely hardly barely never possibly probably likely potentially",
    "m_none": "nobody none neither nothing",
    "m_give": "give offer provide deliver grant",
    "m_stop": "stop halt cease quit pause terminate end",
    "m_stopped": "stopped halted ceased quit",
    "m_maybe": "maybe perhaps possibly probably potentially",
    "m_may": "may might could",
    "m_begin": "begin start",
}

# fmt: off
PHRASES: dict[str, tuple[str, ...]] = {
    "who": (
        "4|I", "2|we", "2|you", "5|{name}", "3|he", "3|she", "3|they", "5|the {person}",
        "2|my {person}", "your {person}", "our {person}", "{m_all}", "the {persons}",
        "{name} and I", "{name} and {name}", "the {noun_adj} {person}", "everyone", "some people",
    ),
    "whom": (
        "2|me", "you", "us", "5|{name}", "him", "her", "them", "the {person}", "my {person}",
        "our {person}", "your {persons}", "everybody", "myself", "ourselves", "yourself",
    ),
    "he": ("he", "she", "{name}", "the {person}", "my {person}", "our {person}", "your {person}"),
    "they": (
        "they", "we", "you", "the {persons}", "our {persons}", "{name} and {name}", "people",
    ),
    "adj": (
        "5|{quality}", "2|{colour}", "2|{material}", "4|{m_size}", "{m_dear}", "{m_pace}",
    ),
    "noun_adj": ("4|{quality}", "4|{m_size}", "{m_pace}", "{m_most}", "{m_dear}"),
    "any_noun": (
        "3|{thing}", "2|{place}", "2|{matter}", "{device}", "{animal}", "{food}", "{event}",
        "{person}",
    ),
    "any_nouns": (
        "3|{things}", "2|{places}", "2|{matters}", "{devices}", "{animals}", "{foods}", "{events}",
        "{persons}",
    ),
    "what_it_is": (
        "9|the {any_noun}", "3|a {noun_adj} {any_noun}", "2|the {adj} {any_noun}",
        "2|my {any_noun}", "2|your {any_noun}", "our {any_noun}", "{name} 's {any_noun}",
        "{quantity} {any_nouns}", "{quantity} {adj} {any_nouns}", "the {any_noun} of the {place}",
        "some {mass}", "all the {any_nouns}", "every {any_noun}", "another {any_noun}",
        "a pair of {things}", "a couple of {any_nouns}", "the {m_shape} of {material}",
        "a crowd of {persons}", "that {m_idea}", "a {adj} {m_idea}", "{number} {any_nouns}",
        "the whole {any_noun}", "the {any_noun} next to the {any_noun}",
        "the speed of the {device}", "a {noun_adj} {m_shape}", "a ball",
        "the beginning of the {event}", "the end of the {event}", "a gift for {whom}",
        "the top of the {place}", "the bottom of the {thing}", "much of it", "a trio of {persons}",
        "a triplet of {things}", "the length of the {thing}", "yours", "mine", "ours",
        "a descent into the {place}", "the scarcity of {mass}", "another",
    ),
    "quantity": (
        "3|{m_amount}", "2|{number}", "several", "many", "few", "various", "numerous", "lots of",
        "hundreds of", "thousands of", "millions of", "masses of", "loads of", "tons of",
        "{number} hundred", "two", "three", "twenty {digit}", "double the", "twice as many",
        "thousands of", "twenty", "thirty {digit}", "the fewest", "the rarest",
    ),
    "digit": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "where": (
        "6|in the {place}", "4|at the {place}", "3|in {town}", "in {land}", "near the {place}",
        "{m_where}", "{m_where}", "{m_where}", "to the {place}", "behind the {place}",
        "up on the {place}", "down at the {place}", "above the {place}", "below the {place}",
        "beyond the {place}", "over there", "right here", "around the {place}", "on the table",
    ),
    "to_where": (
        "7|to the {place}", "4|to {town}", "up the {place}", "down the {place}", "{m_where}",
        "into the {place}", "away from the {place}", "through the {place}", "to {land}", "upwards",
        "downwards", "round the {place}", "farther than the {place}", "across the {place}", "up",
        "down", "closer to {whom}", "toward the horizon", "a long distance", "out of the {place}",
    ),
    "when_it_is": (
        "5|{when}", "4|on {day}", "in {month}", "last {unit}", "next {unit}", "in the {season}",
        "{number} {units} ago", "at {number} o'clock", "before the {event}", "after the {event}",
        "every {unit}", "all {unit}", "{m_before}", "{m_after}", "in the past",
        "earlier that {unit}", "later that {unit}", "on {month} the {ordinal}",
        "following the {event}", "while it rained", "prior to the {event}", "three {units} later",
        "a long time ago", "in the end",
    ),
    "ordinal": ("first", "second", "third", "fourth", "fifth", "sixth", "tenth", "twelfth"),
    "how": (
        "2|{manner}", "with {whom}", "with a {thing}", "2|{m_paced}", "2|{together}",
        "by {myself}", "very {manner}", "as fast as possible", "completely", "jointly",
        "without the {thing}", "without any {mass}", "unlike {whom}",
        "despite the {weather} weather",
    ),
    "together": ("2|together", "2|apart", "jointly", "separately", "far apart", "close together"),
    "myself": ("myself", "yourself", "ourselves", "yourselves", "himself", "herself"),
    "is_like": (
        "6|{degree} {quality}", "3|{quality}", "2|{m_size}", "2|{degree} {m_size}",
        "{m_more} than {it}", "the {m_most} of {all_of_them}", "{degree} {feeling}",
        "as {quality} as {it}", "more {quality} than {it}", "{m_dear}", "{degree} {m_pace}",
        "totally {quality}", "completely {quality}", "entirely {quality}", "possible",
        "not so {quality}", "unlike mine", "{m_more}", "twice as {m_size}", "high", "low", "true",
        "rare",
    ),
    "it": ("before", "ever", "the {any_noun}", "mine", "yours", "ours", "{name}", "this", "that"),
    "all_of_them": ("all", "the {any_nouns}", "them all", "the whole {place}", "{land}"),
    "did": (
        "5|{act_ed} {what_it_is}", "2|{act_ed} {what_it_is} {when_it_is}",
        "3|{act_ed} {what_it_is} {where}", "2|{act_ed} {what_it_is} {how}", "2|{meet_ed} {whom}",
        "{meet_ed} {whom} {where}", "2|{go_ed} {to_where}", "{go_ed} {to_where} {when_it_is}",
        "{be_ed} {where}", "{be_ed} {how}", "{be_ed} {when_it_is}", "gave {whom} {what_it_is}",
        "gave {what_it_is} to {whom}", "{m_stopped} {be_ing}", "started {be_ing}",
        "2|{m_joined} the {any_nouns} {together}", "grew {m_more}", "raised {what_it_is}",
        "lifted {what_it_is}", "dropped {what_it_is}", "fell down", "lowered {what_it_is}",
        "{m_joined} the {any_nouns}", "climbed the {place}", "stretched the {thing}",
        "followed {whom} {to_where}", "refused {what_it_is}", "denied {what_it_is}",
        "talked about {what_it_is}", "thought about {what_it_is}", "gave {whom} an idea",
        "took {what_it_is} {to_where}", "ended {what_it_is}", "rose {how}",
    ),
    "does": (
        "4|{act} {what_it_is}", "2|{meet} {whom}", "2|{go} {to_where}", "{be} {where}",
        "{be} {how}", "{act} {what_it_is} {where}", "{act} {what_it_is} {when_it_is}",
        "{m_give} {whom} {what_it_is}", "{m_give} {what_it_is} to {whom}", "{m_stop} {what_it_is}",
        "{m_begin} {what_it_is}", "raise {what_it_is}", "lift {what_it_is}", "drop {what_it_is}",
        "lower {what_it_is}", "lift up", "climb {where}", "rise {when_it_is}", "fall {where}",
        "{m_part} the {any_nouns}", "climb up", "separate the {any_nouns}", "follow {whom}",
        "descend {to_where}", "divide {what_it_is}", "stretch your {parts}", "rotate {what_it_is}",
        "circle the {place}", "refuse {what_it_is}", "split {what_it_is}",
        "talk about {what_it_is}", "gift {whom} {what_it_is}", "fall down", "speed up",
        "slow down", "grant {whom} {what_it_is}",
    ),
    "doing": (
        "3|{act_ing} {what_it_is}", "2|{go_ing} {to_where}", "{be_ing}", "{be_ing} {how}",
        "{meet_ing} {whom}", "giving {what_it_is} to {whom}", "giving {whom} {what_it_is}",
        "stopping {what_it_is}", "climbing the {place}", "rising {to_where}", "falling {to_where}",
        "starting {what_it_is}", "following {whom}", "ending {what_it_is}", "speeding {to_where}",
        "thinking about {what_it_is}", "{m_parting} the {any_nouns}", "stretching your {part}",
        "joining {whom}", "splitting {what_it_is}", "dividing {what_it_is}",
        "combining {any_nouns}",
    ),
    "fact": (
        "8|{who} {did}", "2|{they} {often} {does}", "{who} has given {what_it_is} to {whom}",
        "the {place} separates the {places}", "two thirds of the {any_nouns} {did}",
        "{m_surely} {who} {did}", "{they} {m_part} and {m_join} {any_nouns}",
        "the {places} are {together}", "{they} {be} {together}", "2|{who} {can} {does}",
        "2|the {any_noun} was {is_like}", "2|the {any_nouns} were {is_like}",
        "2|it is {is_like} {where}", "{who} will {does}", "{who} {m_may} {does}",
        "{who} {m_may} have {act_ed} {what_it_is}", "there was {what_it_is} {where}",
        "{he} {act_s} {what_it_is} {when_it_is}", "it was {degree} {weather} {when_it_is}",
        "{they} were {doing}", "{he} was {doing}", "I was {doing}", "I'm {doing}", "we're {doing}",
        "you're {doing}", "they're {doing}", "I've {act_ed} {what_it_is}", "it's {is_like}",
        "that's {what_it_is}", "{he} is {feeling}", "I'm {degree} {feeling}", "we are {feeling}",
        "{he} gives {what_it_is} to {whom}", "the {thing} stops {where}", "{he} provides {mass}",
        "{he} offers {whom} {what_it_is}", "the {event} begins {when_it_is}", "I hardly {act} it",
        "{they} {m_wholly} {act} {what_it_is}", "{m_all} {act_s} {what_it_is}",
        "everything is {is_like}", "{m_amount} {any_nouns} were {where}",
        "the {event} started {when_it_is}", "we began {doing}", "it took {number} {units}",
        "the {device} costs {number} {units}", "I just {did}", "we all {did}",
        "my {m_idea} is {is_like}", "our {m_ideas} are {is_like}", "you see {what_it_is} {where}",
        "{he} gave it {to_where}", "the {place} is {m_where}",
        "the {place} is {number} {units} away", "{he} is the {ordinal} {person}",
    ),
    "can": ("can", "could", "should", "must", "would", "might", "may", "used to", "have to"),
    "said": (
        "I {say}", "{who} {say_ed}", "I {say_ed}", "we {say}", "{he} {say_s}", "my {m_idea} is",
        "the {m_idea} is", "they {say_ed}", "you {say}", "the theory says", "it seems to me",
    ),
}
# fmt: on
