"""The ordinary words of the corpus of hours, by the places of a sentence that they can take.

Verbs are written `base`, `base/past` or `base/past/ing`; what is not written follows the rules.
"""

from collections.abc import Iterable

_VOWELS = "aeiou"

_PLAIN = {
    "name": "Anna Ben Carla Daniel Emma Frank Grace Harry Isabel Jack Karen Lucy Martin Nora "
    "Oliver Paula Robert Sarah Thomas Victor Wendy Alice Peter Maria George Helen David Laura "
    "Michael Sophie Henry Rachel Simon Julia Edward Monica Kevin Diana Oscar Linda Samuel Teresa "
    "Walter Rosa Philip Clara Arthur Eva Leonard Irene Marcus Nina Gregory Olivia Tony Judith "
    "Adrian Beth Chloe Dennis",
    "town": "London Paris Berlin Boston Chicago Madrid Rome Dublin Vienna Oslo Athens Lisbon "
    "Toronto Sydney Tokyo Cairo Moscow Denver Dallas Seattle Prague Warsaw Geneva Venice "
    "Florence Edinburgh Glasgow Manchester Brussels Amsterdam",
    "land": "France Spain Italy Germany Norway Sweden Poland Greece Portugal Ireland Scotland "
    "Canada Mexico Brazil Japan China India Egypt Kenya Australia Turkey Austria Switzerland "
    "Denmark Finland",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April June July August September October November December",
    "season": "spring summer autumn winter",
    "number": "four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen eighteen twenty thirty forty fifty sixty seventy eighty ninety",
    "colour": "red blue green yellow white black brown grey purple orange pink golden silver "
    "dark bright pale",
    "material": "wood metal glass plastic paper leather cotton wool silk stone brick clay steel "
    "iron copper rubber sand wax linen concrete",
    "drink": "coffee tea water milk juice wine beer lemonade cocoa soup cider whisky",
    "mass": "time money work music weather luck patience advice news traffic homework noise dust "
    "smoke rain snow ice grass hair fun trouble help space energy electricity information "
    "knowledge experience furniture luggage equipment progress research software hardware data "
    "history science art poetry law medicine physics chemistry biology mathematics geography "
    "philosophy literature politics business education democracy justice freedom peace war love "
    "hope fear anger joy sadness pride shame guilt jealousy courage wisdom beauty truth honesty "
    "kindness loyalty friendship health sleep hunger thirst pain stress silence darkness "
    "sunlight thunder lightning fog mist frost wind heat dirt mud gold butter cheese bread rice "
    "pasta flour sugar salt pepper garlic honey jam meat beef pork chicken fish ham bacon "
    "chocolate fruit salad cereal yoghurt cream mustard vinegar oil",
    "quality": "good bad nice kind new old young modern ancient cheap expensive clean dirty easy "
    "difficult simple complicated heavy light strong weak hot cold warm cool wet dry soft hard "
    "sharp smooth rough quiet loud noisy rich poor busy empty full open closed fresh stale sweet "
    "bitter sour spicy salty tasty delicious beautiful ugly pretty lovely wonderful terrible "
    "awful horrible fantastic amazing strange weird normal ordinary special famous popular "
    "common useful useless important serious funny silly clever stupid smart wise foolish brave "
    "lazy honest polite rude gentle friendly generous selfish patient careful careless curious "
    "perfect broken safe dangerous healthy sick wrong real fake wild tame public private foreign "
    "official natural artificial digital electric automatic magic golden wooden thick thin flat "
    "steep deep shallow narrow tall fancy plain elegant comfortable cosy bare crowded lonely "
    "peaceful boring interesting fascinating surprising ridiculous reasonable sensible crazy "
    "dull brilliant gorgeous remarkable incredible unusual typical average decent proper awkward "
    "fragile solid loose tight rusty dusty muddy sticky slippery sunny frozen burnt ripe raw "
    "peculiar precious valuable worthless temporary permanent recent final central northern "
    "southern eastern western royal rural urban industrial medical legal political social "
    "economic scientific technical musical historical religious international national",
    "feeling": "happy sad angry tired excited bored worried nervous proud jealous grateful "
    "surprised confused relieved disappointed embarrassed ashamed afraid scared lonely hungry "
    "thirsty sleepy calm cheerful hopeful desperate furious delighted upset annoyed curious shy "
    "confident comfortable guilty impressed interested shocked amused homesick restless anxious "
    "satisfied frustrated exhausted optimistic glad lucky unlucky ready",
    "weather": "sunny cloudy rainy windy stormy foggy snowy freezing warm mild chilly humid dry "
    "icy grey misty boiling",
    "manner": "slowly carefully quietly loudly gently softly happily sadly angrily nervously "
    "proudly politely bravely honestly kindly badly nicely perfectly simply easily secretly "
    "openly calmly eagerly patiently suddenly gradually accidentally deliberately automatically "
    "properly correctly wrongly seriously cheerfully silently smoothly roughly warmly coldly "
    "firmly loosely tightly neatly wisely foolishly naturally personally professionally "
    "generously bitterly sweetly immediately directly regularly",
    "degree": "very really so too quite pretty extremely terribly absolutely incredibly rather "
    "awfully unbelievably surprisingly fairly somewhat slightly particularly especially "
    "remarkably perfectly",
    "often": "usually often sometimes regularly normally generally occasionally frequently "
    "mostly still just even only also simply actually finally recently suddenly",
    "when": "today yesterday tomorrow tonight now then soon already again recently lately "
    "nowadays immediately overnight weekly daily forever",
    "uncount": "advice work luck money patience rest help practice time",
}

_NOUNS = {
    "person": "teacher doctor nurse driver farmer baker lawyer engineer artist singer writer "
    "actor dancer painter musician student pupil professor scientist programmer manager boss "
    "secretary waiter cook chef butcher gardener carpenter plumber electrician mechanic pilot "
    "sailor soldier policeman/policemen judge priest president minister mayor king queen prince "
    "princess neighbour friend colleague stranger guest customer tourist passenger brother "
    "sister mother father daughter son uncle aunt cousin grandmother grandfather nephew niece "
    "baby child/children girl boy woman/women man/men lady gentleman/gentlemen husband "
    "wife/wives partner twin hero thief/thieves guard captain coach player champion referee "
    "journalist reporter editor photographer librarian cleaner builder architect designer "
    "scholar poet inventor hunter fisherman/fishermen dentist patient banker cashier "
    "postman/postmen grandson landlord tenant roommate classmate teammate volunteer witness "
    "expert beginner amateur genius",
    "animal": "dog cat horse cow pig sheep/sheep goat hen duck goose/geese rabbit mouse/mice rat "
    "squirrel fox wolf/wolves bear lion tiger elephant giraffe monkey camel donkey zebra snake "
    "frog turtle shark whale dolphin salmon bee butterfly spider ant beetle bird eagle owl crow "
    "pigeon parrot swan penguin hedgehog deer/deer kitten puppy lamb",
    "food": "apple pear plum banana orange lemon cherry grape peach melon strawberry raspberry "
    "potato tomato onion carrot cucumber cabbage pea bean mushroom egg sandwich pizza burger "
    "sausage pancake cake pie biscuit cookie muffin pudding omelette steak nut pumpkin radish "
    "lettuce olive waffle pretzel dumpling noodle bagel croissant",
    "thing": "book letter newspaper magazine picture painting photograph map ticket key door "
    "window wall floor roof chair table desk bed lamp mirror carpet curtain clock watch cup "
    "plate bowl knife/knives fork spoon bottle basket bag box suitcase wallet purse umbrella "
    "coat jacket shirt dress skirt hat glove scarf/scarves shoe boot sock belt necklace candle "
    "match pencil pen notebook envelope stamp brush comb towel soap pillow blanket sheet toy "
    "doll kite drum guitar piano violin flute trumpet hammer nail saw screw ladder rope bucket "
    "broom shovel fence gate machine engine wheel car bus train plane boat ship bicycle lorry "
    "truck tractor helicopter rocket tent stove oven fridge kettle pan pot tray tool flag coin "
    "medal present parcel bridge stone leaf/leaves flower tree branch seed root garden bench "
    "statue fountain tower sofa cupboard drawer shelf/shelves bookcase cushion vase",
    "device": "computer laptop phone tablet camera screen keyboard printer robot radio "
    "television microphone speaker battery cable charger website program password message email "
    "video game network server database satellite telescope microscope calculator sensor drone "
    "headphone browser account file folder button switch signal app chip algorithm",
    "place": "house flat kitchen bathroom bedroom garage cellar attic balcony garden park street "
    "road square market shop bakery supermarket restaurant bar hotel museum theatre cinema "
    "library school university college office factory hospital church castle palace bank station "
    "airport harbour beach lake river sea island mountain hill valley forest field farm village "
    "town city desert cave waterfall stadium gym pool playground zoo prison court embassy "
    "laboratory workshop studio warehouse corridor staircase entrance exit lobby tunnel highway "
    "bridge border coast countryside suburb meadow swamp vineyard orchard cathedral monastery "
    "chapel pharmacy clinic cafe canteen terrace",
    "event": "party wedding funeral birthday holiday meeting lesson lecture concert match race "
    "festival exhibition interview exam test trip journey flight walk dinner lunch breakfast "
    "picnic storm earthquake flood fire accident robbery election revolution strike argument "
    "conversation discussion speech ceremony conference workshop rehearsal celebration game "
    "adventure experiment operation competition performance visit weekend morning afternoon "
    "evening night",
    "matter": "problem question answer reason plan project story joke secret promise mistake lie "
    "rule law habit dream memory feeling opinion decision choice chance risk danger surprise "
    "solution method example fact detail result effect change difference rumour excuse "
    "explanation suggestion proposal complaint warning order request poem song novel film "
    "language word sentence page chapter report article number price bill tax salary job career "
    "skill talent hobby tradition custom belief religion science culture disease cure headache "
    "goal success failure victory defeat challenge opportunity relationship marriage divorce "
    "signature contract budget schedule deadline strategy",
    "unit": "minute hour day week month year metre mile kilometre kilogram pound dollar euro "
    "litre century decade degree page step",
    "part": "head face eye ear nose mouth tooth/teeth neck shoulder arm elbow hand finger thumb "
    "back chest stomach leg knee foot/feet toe heart brain bone muscle tongue chin cheek "
    "forehead wrist ankle",
}

_VERBS = {
    # done to a thing, to a person, alone, on a way; and said, that something is so
    "act": "carry buy/bought sell/sold find/found lose/lost break/broke fix repair clean wash "
    "paint build/built make/made take/took bring/brought send/sent hide/hid keep/kept move push "
    "pull throw/threw catch/caught hold/held open close cover touch choose/chose steal/stole "
    "borrow lend/lent collect count draw/drew write/wrote read/read copy check test order use "
    "waste save watch hear/heard see/saw notice describe destroy damage burn cut/cut/cutting "
    "fold wrap/wrapped/wrapping pack unpack return replace exchange improve design invent "
    "discover explore examine measure mention photograph rent hire polish sweep/swept decorate "
    "drag/dragged/dragging grab/grabbed/grabbing squeeze shake/shook bend/bent tear/tore sew "
    "glue weigh label sort store inspect admire recognise remember forget/forgot/forgetting need "
    "want like love hate prefer enjoy miss/missed recommend sketch",
    "meet": "meet/met visit call help thank invite ask tell/told teach/taught remember recognise "
    "trust blame forgive/forgave hug/hugged/hugging kiss marry/married/marrying greet know/knew "
    "believe understand/understood support encourage surprise annoy disappoint convince warn "
    "comfort congratulate interrupt ignore avoid praise criticise miss interview introduce hire "
    "advise impress defend protect attack chase rescue tease scare amuse",
    "be": "sleep/slept laugh cry smile dance sing/sang work rest wait cook swim/swam/swimming "
    "study practise complain argue dream relax travel shout whisper listen talk eat/ate "
    "drink/drank think/thought exercise retire succeed fail win/won/winning lose/lost suffer "
    "sneeze cough yawn blush tremble hesitate apologise celebrate sweat shiver snore breathe "
    "pray gamble skate ski sail disappear vanish panic/panicked/panicking giggle sigh stare "
    "gossip/gossiped/gossiping",
    "go": "walk run/ran/running drive/drove ride/rode fly/flew go/went come/came travel move "
    "hurry march return sail wander cycle jog/jogged/jogging sneak crawl drift hike rush stroll "
    "stumble race swim/swam/swimming",
    "say": "say/said think/thought believe hope know/knew guess suppose hear/heard feel/felt "
    "imagine understand/understood claim admit/admitted/admitting explain promise notice realise "
    "remember forget/forgot/forgetting decide discover suspect doubt worry argue insist pretend "
    "announce mention mean/meant expect agree assume conclude predict dream remark repeat "
    "swear/swore",
}


def plural(noun: str) -> str:
    """Returns the plural of a regular noun."""
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh", "potato", "tomato")) else "s")


def past(verb: str) -> str:
    """Returns the past of a regular verb."""
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb[:-1] + "ied"
    return verb + ("d" if verb.endswith("e") else "ed")


def going(verb: str) -> str:
    """Returns the `ing` of a regular verb."""
    drops = verb.endswith("e") and not verb.endswith(("ee", "oe", "ye"))
    return (verb[:-1] if drops else verb) + "ing"


def _inflected(words: Iterable[str], rules: tuple) -> list[list[str]]:
    rows = []
    for word in words:
        forms = word.split("/")
        rows.append([*forms, *(rule(forms[0]) for rule in rules[len(forms) - 1 :])])
    return [list(column) for column in zip(*rows, strict=True)]


def word_classes() -> dict[str, tuple[str, ...]]:
    """Returns the words of every class, each once and in a fixed order.

    Nouns also have the class `NAMEs` of their plurals, verbs `NAME_s`, `NAME_ed` and `NAME_ing`.
    """
    classes = {name: text.split() for name, text in _PLAIN.items()}
    for name, text in _NOUNS.items():
        classes[name], classes[name + "s"] = _inflected(text.split(), (plural,))
    for name, text in _VERBS.items():
        base, before, ongoing = _inflected(text.split(), (past, going))
        classes |= {name: base, name + "_ed": before, name + "_ing": ongoing}
        classes[name + "_s"] = [plural(verb) if verb != "go" else "goes" for verb in base]
    return {name: tuple(dict.fromkeys(words)) for name, words in classes.items()}
