"""Example questions for the encoder: a wording that no rule knows is read as the kind of its nearest example."""

from __future__ import annotations

from embodied_mem.planner.encoder import shared_encoder

SAME_KIND = 0.55  # cosine below which the nearest example says nothing

#: (kind, aspect, marked question); N thing, F furniture, R room, S surface, @ moment, as in kinds.py.
EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("where", "", "I cannot find my N, where is it"),
    ("where", "", "in what part of the house did the N stand @"),
    ("where", "", "do you know the whereabouts of the N"),
    ("when", "moved", "at what point did somebody carry the N to another place"),
    ("when", "appeared", "since when do we own the N, when did it turn up in the house"),
    ("when", "removed", "when did somebody take the N out of the house"),
    ("exists", "", "would I find a N in the R @"),
    ("exists", "", "tell me whether a N stood in the R @"),
    ("count", "objects", "give me the quantity of N in the R"),
    ("count", "visits", "on what number of days did the N stand on the F"),
    ("compare", "count", "are the N in the R getting more numerous compared with @"),
    ("compare", "place", "does the N remain at the spot where you saw it @"),
    ("changes", "", "describe how the F has altered since @"),
    ("changes", "", "what did people take from or bring to the F between @ and @"),
    ("routine", "place", "what is the customary spot of the N"),
    ("how_long", "place", "what is the duration that the N has spent on the F"),
    ("predict", "place", "guess the place of the N @"),
    ("attribute", "colour", "describe the colour of the N on the F"),
    ("attribute", "material", "what substance is the N made of"),
    ("state", "state", "did somebody leave the N running @"),
)


def nearest_kind(marked: str) -> tuple[str, str] | None:
    """(kind, aspect) of the nearest example, or None when none is near or the encoder is not installed."""
    encoder = shared_encoder()
    if encoder is None:
        return None
    score = encoder.encode([text for _, _, text in EXAMPLES]) @ encoder.encode([marked])[0]
    best = int(score.argmax())
    return EXAMPLES[best][:2] if score[best] >= SAME_KIND else None
