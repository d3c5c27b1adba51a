"""The JSON of the Montreal Forced Aligner: tiers of [start, end, label]."""

from data_prep.words.forms.document import Document, at
from data_prep.words.forms.entry import SECONDS, Reading, entry
from data_prep.words.forms.tier_choice import LabelledTier, choose_tier


def is_mfa(document: Document) -> bool:
    """Tells an object with tiers by name."""
    return isinstance(at(document.tree, "tiers"), dict)


def read_mfa_json(document: Document) -> Reading:
    """Reads the tier of words.

    Raises:
        UserError: When it is not clear which tier has the words.
    """
    tiers = []
    for name, tier in at(document.tree, "tiers").items():
        rows = at(tier, "entries")
        entries = None
        if isinstance(rows, list):
            entries = [entry(at(row, 2), at(row, 0), at(row, 1)) for row in rows]
        tiers.append(LabelledTier(name, entries))
    return Reading(choose_tier(tiers, document), (SECONDS,))
