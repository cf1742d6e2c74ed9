"""What stands in which room, most important piece first, and how pieces stand to each other. Pure data."""

from __future__ import annotations

import numpy as np

# label → (label of the piece it belongs to, gap in metres, where: "front", "facing" all round, "flank" left or right)
BESIDE: dict[str, tuple[str, float, str]] = {
    "dining chair": ("dining table", 0.06, "facing"),
    "office chair": ("desk", 0.06, "front"),
    "coffee table": ("sofa", 0.45, "front"),
    "nightstand": ("bed", 0.06, "flank"),
}
OPPOSITE = {"tv stand": "sofa", "dresser": "double bed"}
CENTRAL = ("dining table",)
# Pieces that others may stand close in front of: they are reached from all sides or are low.
NO_KEEP = ("dining table", "dining chair", "office chair", "coffee table", "nightstand", "television", "floor lamp",
           "coat stand", "armchair", "double bed", "single bed", "kids bed", "bathtub")  # fmt: skip

# (label, probability); the same label twice means up to two of them.
_ALWAYS: dict[str, tuple[tuple[str, float], ...]] = {
    "living room": (("sofa", 1), ("tv stand", 1), ("television", 1), ("coffee table", 1), ("bookcase", 1),
                    ("armchair", 0.9), ("sideboard", 0.5), ("floor lamp", 0.8)),
    "kitchen": (("kitchen counter", 1), ("sink cabinet", 1), ("stove", 1), ("refrigerator", 1), ("kitchen shelf", 0.9),
                ("bench", 0.3)),
    "dining room": (("dining table", 1), *(("dining chair", 1),) * 4, ("sideboard", 1), ("bench", 0.3)),
    "bedroom": (("double bed", 1), ("nightstand", 1), ("wardrobe", 1), ("dresser", 1), ("nightstand", 0.6),
                ("armchair", 0.3), ("floor lamp", 0.4)),
    "kids room": (("kids bed", 1), ("toy chest", 1), ("desk", 0.9), ("office chair", 0.9), ("bookcase", 0.7),
                  ("wardrobe", 0.5), ("nightstand", 0.3)),
    "guest room": (("single bed", 1), ("nightstand", 1), ("dresser", 0.8), ("wardrobe", 0.6), ("armchair", 0.6),
                   ("floor lamp", 0.4)),
    "bathroom": (("washbasin", 1), ("toilet", 1), ("bathtub", 1), ("towel shelf", 1)),
    "study": (("desk", 1), ("office chair", 1), ("bookcase", 1), ("filing cabinet", 0.8), ("armchair", 0.5),
              ("floor lamp", 0.5)),
    "laundry room": (("washing machine", 1), ("laundry table", 1), ("drying rack", 0.8), ("towel shelf", 0.7)),
    "hallway": (("console table", 1), ("shoe rack", 1), ("coat stand", 0.8), ("bench", 0.6), ("wardrobe", 0.3)),
}  # fmt: skip


def recipe(room: str, house: set[str], rng: np.random.Generator) -> list[str]:
    """Furniture labels for a room of a house with these room labels, in the order they are to be placed."""
    rows = list(_ALWAYS[room])
    if room == "kitchen" and "dining room" not in house:
        rows[4:4] = [("dining table", 1), *(("dining chair", 1),) * 2]
    if room == "living room" and "hallway" not in house:
        rows.append(("bench", 0.2))
    if room == "bathroom" and "laundry room" not in house:
        rows.append(("washing machine", 0.8))
    return [label for label, chance in rows if rng.random() < chance]
