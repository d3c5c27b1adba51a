"""Praat's TextGrids, in every layout; see `data_prep.words.tiers`."""

from data_prep.words.forms.document import Document
from data_prep.words.forms.entry import SECONDS, Entry, Reading
from data_prep.words.forms.tier_choice import LabelledTier, choose_tier
from data_prep.words.tiers import read_tiers


def is_textgrid(document: Document) -> bool:
    """Tells Praat's own first words, also without the kind of its file."""
    head = document.text[:200]
    return "ooTextFile" in head or "ooBinaryFile" in head


def read_textgrid(document: Document) -> Reading:
    """Reads the tier of words.

    Raises:
        UserError: When the file is malformed or cut short, or it is not clear which tier has the
            words.
    """
    tiers = []
    for tier in read_tiers(document.path):
        entries = None
        if tier.intervals is not None:
            entries = [Entry(part.label, part.start, part.end) for part in tier.intervals]
        tiers.append(LabelledTier(tier.name, entries))
    return Reading(choose_tier(tiers, document), (SECONDS,))
