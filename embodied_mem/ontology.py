"""The shared vocabulary: what things are called, what they look like and are for, where they belong.

Pure data and tiny functions. Labels are lower-case singular English; sizes are x, y, z in metres (x along the
front, y deep, z up); colours are RGB in 0..1. Rooms carry weights: how typical the category is for that room.
"""

# ruff: noqa: E501  (a table row is easier to read than three broken lines)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

# The greys stand so far apart that no shading factor in 0.48..1.05 makes one of them look like another.
COLOURS: dict[str, RGB] = {
    "red": (0.85, 0.08, 0.08), "orange": (1.00, 0.47, 0.02), "yellow": (0.97, 0.86, 0.10), "green": (0.12, 0.62, 0.16),
    "blue": (0.10, 0.25, 0.85), "purple": (0.50, 0.12, 0.66), "pink": (1.00, 0.50, 0.70), "brown": (0.40, 0.26, 0.16),
    "black": (0.06, 0.06, 0.06), "white": (0.96, 0.96, 0.96), "grey": (0.40, 0.40, 0.40),
}
MATERIALS = ("wood", "metal", "plastic", "glass", "ceramic", "fabric", "paper", "leather", "rubber", "wicker")
PRINTS = ("plain", "striped", "dotted", "checked")
SHAPES = ("round", "square", "long", "flat", "irregular")
STATES: dict[str, tuple[str, str]] = {"power": ("on", "off"), "openness": ("open", "closed"), "fill": ("full", "empty")}
ROOMS = ("living room", "kitchen", "dining room", "bedroom", "kids room", "guest room", "bathroom", "study",
         "laundry room", "hallway")


@dataclass(frozen=True)
class Category:
    """One kind of thing or furniture.

    size: typical x, y, z in metres; similar: labels it may be confused with; states: aspects of ``STATES`` it has;
    colours, materials, prints, shapes: plausible values; rooms: room label → weight; surfaces: labels of the
    furniture it may stand on (``"floor"`` allowed; empty for furniture).
    """

    label: str
    plural: str
    synonyms: tuple[str, ...]
    function: str
    size: tuple[float, float, float]
    similar: tuple[str, ...]
    states: tuple[str, ...]
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    prints: tuple[str, ...]
    rooms: dict[str, float]
    surfaces: tuple[str, ...]
    shapes: tuple[str, ...] = ("irregular",)


_CODES = {"L": "living room", "K": "kitchen", "D": "dining room", "B": "bedroom", "C": "kids room", "G": "guest room",
          "W": "bathroom", "S": "study", "U": "laundry room", "H": "hallway"}
_SETS = {
    "tops": "coffee table, dining table, sideboard, desk, console table",
    "shelves": "bookcase, kitchen shelf",
    "seats": "sofa, armchair, dining chair, bench",
    "beds": "double bed, single bed, kids bed",
    "bedside": "nightstand, dresser",
    "cooking": "kitchen counter, stove, sink cabinet, kitchen shelf",
    "counter": "kitchen counter, sink cabinet, kitchen shelf, dining table",
    "wash": "washbasin, towel shelf, washing machine, laundry table",
}
_ANY = "red, orange, yellow, green, blue, purple, pink, brown, black, white, grey"
_SETTABLE: dict[str, str] = {"any": _ANY, "dark": "black, brown, grey, blue", "plain": "black, white, grey",
                             "gaudy": "red, orange, yellow, green, blue, purple, pink", "wood": "brown, white, black"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(w.strip() for w in text.split(",") if w.strip())


def _expand(text: str, sets: dict[str, str]) -> tuple[str, ...]:
    found = [w for word in _words(text) for w in _words(sets.get(word, word))]
    return tuple(dict.fromkeys(found))


def _row(label: str, function: str, size: tuple[float, float, float], colours: str, materials: str, rooms: str,
         surfaces: str = "", *, similar: str = "", also: str = "", states: str = "", prints: str = "plain",
         shapes: str = "irregular", plural: str = "") -> tuple[str, Category]:
    """One table row; ``rooms`` is letter codes with weights: ``"K4 D2"`` is kitchen 4, dining room 2."""
    weights = {_CODES[r[0]]: float(r[1:]) for r in rooms.split()}
    return label, Category(
        label, plural or label + "s", _words(also), function, size, _words(similar), _words(states),
        _expand(colours, _SETTABLE), _words(materials), _expand(prints, {"any": ", ".join(PRINTS)}), weights,
        _expand(surfaces, _SETS), _words(shapes),
    )


THINGS: dict[str, Category] = dict([
    # Kitchen and table
    _row("mug", "drinking", (.12, .09, .10), "any", "ceramic, metal, plastic", "K4 D2 L2 S2 B1",
         "counter, tops, nightstand", similar="glass, jar", also="cup, coffee cup, tea mug, coffee mug", prints="any", shapes="round"),
    _row("glass", "drinking", (.08, .08, .14), "blue, green, white, purple, orange", "glass, plastic", "K3 D3 L1 B1",
         "counter, coffee table, nightstand", similar="mug, jar", also="drinking glass, tumbler", plural="glasses", shapes="round"),
    _row("plate", "serving food", (.26, .26, .07), "any", "ceramic, plastic", "K4 D4", "counter, sideboard",
         similar="bowl", also="dish, dinner plate", prints="plain, striped, dotted", shapes="round"),
    _row("bowl", "serving food", (.20, .20, .09), "any", "ceramic, wood, plastic", "K4 D3 L1", "counter, coffee table",
         similar="plate, fruit bowl", also="cereal bowl, salad bowl", prints="plain, striped, dotted", shapes="round"),
    _row("fruit bowl", "holding fruit", (.30, .30, .14), "white, blue, black, brown, green", "ceramic, wood, wicker", "K3 D3 L2",
         "kitchen counter, dining table, coffee table, sideboard", similar="bowl, basket", also="bowl of fruit", states="fill", shapes="round"),
    _row("bottle", "holding drinks", (.09, .09, .30), "green, brown, blue, white, red", "glass, plastic", "K4 D2 L1 S1",
         "counter, tops", similar="thermos, soap bottle", also="water bottle, wine bottle", shapes="long"),
    _row("thermos", "keeping drinks warm", (.09, .09, .27), "gaudy, grey, black", "metal, plastic", "K3 S2 D1 H1",
         "counter, tops", similar="bottle, jar", also="thermos flask, vacuum flask", plural="thermoses", prints="plain, striped", shapes="long"),
    _row("kettle", "boiling water", (.22, .16, .24), "red, white, black, grey, blue", "metal, plastic", "K5 D1", "cooking, sideboard",
         similar="teapot, pot", also="water kettle, electric kettle", states="power"),
    _row("teapot", "serving tea", (.24, .15, .17), "any", "ceramic, metal", "K3 D3 L2", "counter, tops",
         similar="kettle", also="tea pot", prints="any", shapes="round"),
    _row("pot", "cooking", (.34, .25, .18), "red, grey, black, blue, orange", "metal", "K5", "cooking",
         similar="pan, bucket", also="saucepan, cooking pot, stockpot", shapes="round"),
    _row("pan", "frying", (.45, .27, .09), "black, grey, red, green", "metal", "K5", "cooking", similar="pot",
         also="frying pan, skillet", shapes="flat"),
    _row("cutting board", "cutting food", (.40, .26, .07), "brown, white, green, red", "wood, plastic", "K5",
         "kitchen counter, sink cabinet, kitchen shelf, dining table", similar="laptop, plate", also="chopping board", shapes="flat"),
    _row("jar", "storing food", (.11, .11, .17), "brown, red, orange, yellow, green, purple", "glass, ceramic", "K4 D1", "counter",
         similar="glass, mug", also="jam jar, storage jar", shapes="round"),
    _row("lunch box", "carrying food", (.22, .15, .10), "gaudy", "plastic, metal", "K3 C2 H2 S1",
         "kitchen counter, dining table, desk, console table", similar="box, radio", also="lunchbox", plural="lunch boxes",
         prints="any", shapes="square"),
    _row("toaster", "toasting bread", (.32, .19, .21), "red, grey, white, black, yellow", "metal, plastic", "K4 D1",
         "kitchen counter, kitchen shelf, sideboard", similar="radio", shapes="square"),
    _row("blender", "mixing drinks", (.18, .18, .38), "white, red, black, green", "plastic, glass", "K4", "kitchen counter, kitchen shelf",
         similar="kettle", also="mixer, smoothie maker", shapes="long"),
    # Reading, working, playing
    _row("book", "reading", (.24, .17, .07), "any", "paper", "L4 S4 B3 C2 G2 D1", "tops, bookcase, sofa, armchair, beds, nightstand",
         similar="notebook, magazine", also="novel, hardcover", prints="plain, striped", shapes="flat"),
    _row("notebook", "writing notes", (.21, .15, .07), "any", "paper, leather", "S4 L2 C2 B1 K1", "desk, bookcase, coffee table, dining table, nightstand",
         similar="book", also="notepad, exercise book", prints="any", shapes="flat"),
    _row("magazine", "reading", (.29, .22, .07), "gaudy", "paper", "L4 B2 G1", "coffee table, sofa, armchair, bookcase, nightstand, console table",
         similar="newspaper, book", also="journal", shapes="flat"),
    _row("newspaper", "reading the news", (.38, .28, .07), "white, grey, pink", "paper", "L3 K2 D3 H2", "tops, sofa, armchair",
         similar="magazine", also="daily paper, paper of the day", shapes="flat"),
    _row("laptop", "computing", (.34, .24, .23), "grey, black, white, pink", "metal, plastic", "S5 L3 D1 B1", "desk, coffee table, dining table, sofa, double bed",
         similar="tablet, book", also="laptop computer, notebook computer", states="openness", shapes="flat"),
    _row("tablet", "browsing", (.25, .12, .19), "black, white, grey, blue, pink", "glass, plastic", "L3 C2 K2 B2 S1",
         "coffee table, kitchen counter, desk, nightstand, sofa, console table", similar="laptop, picture frame", also="tablet computer", shapes="flat"),
    _row("phone", "calling", (.12, .11, .18), "plain, red", "plastic", "H3 L3 S3 B1", "console table, sideboard, desk, nightstand, coffee table",
         similar="remote control, radio", also="telephone, cordless phone", shapes="long"),
    _row("remote control", "operating the television", (.22, .08, .07), "black, grey, white", "plastic", "L5 B1 G1",
         "coffee table, sofa, armchair, tv stand, nightstand", similar="phone, game controller", also="remote, tv remote", shapes="long"),
    _row("game controller", "playing video games", (.18, .13, .08), "black, white, blue, red, purple", "plastic", "L4 C3",
         "coffee table, sofa, tv stand, desk, kids bed", similar="remote control, headphones", also="controller, gamepad, joystick"),
    _row("headphones", "listening to music", (.19, .09, .20), "black, white, red, blue, pink", "plastic, leather", "S3 L3 B2 C2",
         "desk, coffee table, nightstand, sofa, bookcase", similar="game controller", also="headset, headphone", plural="headphones"),
    _row("speaker", "playing music", (.18, .18, .30), "black, white, brown, red, blue", "plastic, wood", "L4 S3 B1", "bookcase, sideboard, desk, tv stand, dresser",
         similar="radio", also="loudspeaker", shapes="square"),
    _row("radio", "playing music", (.30, .12, .20), "red, brown, yellow, blue, black", "plastic, wood", "K3 L2 W1 G2 U1",
         "kitchen counter, kitchen shelf, sideboard, nightstand, dresser, laundry table, washbasin", similar="speaker, toaster", also="radio set", states="power", shapes="square"),
    _row("camera", "taking photographs", (.16, .13, .12), "black, grey, red, brown", "plastic, metal", "S3 L3 H1 G1", "desk, bookcase, coffee table, console table",
         similar="radio", also="photo camera"),
    _row("scissors", "cutting paper", (.24, .11, .07), "gaudy, black", "metal, plastic", "S3 K2 U1 C2", "desk, kitchen counter, dining table, laundry table",
         similar="hairbrush", also="pair of scissors, shears", plural="scissors"),
    _row("toy car", "playing", (.22, .12, .11), "gaudy, black", "plastic, metal, wood", "C5 L2", "floor, toy chest, kids bed, desk, coffee table, bookcase",
         similar="block tower, shoe", also="model car"),
    _row("teddy bear", "cuddling", (.22, .19, .30), "brown, white, pink, grey, yellow", "fabric", "C5 B1 L1 G1", "floor, kids bed, single bed, toy chest, sofa, armchair, bookcase",
         similar="pillow", also="teddy, plush bear, stuffed animal"),
    _row("block tower", "playing", (.16, .16, .28), "gaudy", "wood, plastic", "C5 L2", "floor, toy chest, desk, coffee table",
         similar="toy car, box", also="toy blocks, building blocks, tower of blocks", shapes="square"),
    _row("ball", "playing", (.21, .21, .21), "gaudy, white", "rubber, leather, plastic", "C4 L1 H2", "floor, toy chest, kids bed, armchair, bench",
         similar="fruit bowl", also="football, soccer ball", prints="any", shapes="round"),
    # Decoration and light
    _row("desk lamp", "lighting", (.20, .20, .42), "white, black, red, yellow, green, blue", "metal, plastic", "S4 B3 C2 G2 L1", "desk, nightstand, sideboard, dresser, console table",
         similar="fan", also="table lamp, lamp, reading lamp, bedside lamp", states="power"),
    _row("vase", "decoration", (.14, .14, .28), "any", "ceramic, glass", "L4 D4 H2 B1 G2", "tops, bookcase, dresser",
         similar="jar, bottle", also="flower vase", prints="any", shapes="round, square"),
    _row("candle", "lighting", (.09, .09, .17), "red, white, yellow, green, purple, blue", "paper", "L3 D4 W2 B1", "tops, bookcase, dresser, washbasin",
         similar="toilet roll, glass", shapes="round, square"),
    _row("plant", "decoration", (.28, .28, .42), "green", "ceramic, plastic", "L4 K1 D2 S2 H2 B1 W1 G1", "floor, tops, bookcase, dresser, washing machine",
         similar="vase", also="pot plant, potted plant, houseplant"),
    _row("picture frame", "decoration", (.22, .10, .27), "brown, black, white, red, blue", "wood, metal, plastic", "L3 B3 H2 S2 G2 D1",
         "sideboard, bookcase, dresser, nightstand, desk, console table", similar="tablet, clock", also="photo frame, photo, framed photo", shapes="square"),
    _row("clock", "telling the time", (.18, .09, .19), "white, black, red, blue, yellow, brown", "plastic, wood, metal", "B3 K2 L2 S2 C2 G2",
         "nightstand, bookcase, sideboard, desk, dresser, kitchen shelf", similar="picture frame, radio", also="alarm clock", shapes="round, square"),
    _row("fan", "cooling", (.28, .18, .40), "white, black, blue, grey, pink", "plastic, metal", "B3 S3 L2 G1", "floor, desk, dresser, nightstand, sideboard",
         similar="desk lamp", also="ventilator, table fan", states="power", shapes="round"),
    # Carrying, wearing
    _row("backpack", "carrying things", (.30, .20, .42), "gaudy, black, grey", "fabric, leather", "H4 C3 S2 B1", "floor, bench, office chair, kids bed, single bed, armchair",
         similar="handbag, basket", also="rucksack, school bag, satchel", states="openness", prints="any"),
    _row("handbag", "carrying things", (.32, .14, .30), "red, brown, black, pink, blue, yellow", "leather, fabric", "H4 B3 L1 G1", "console table, bench, dining chair, double bed, dresser, sideboard",
         similar="backpack", also="purse, bag", prints="plain, checked"),
    _row("umbrella", "keeping dry", (.70, .16, .15), "gaudy, black", "fabric", "H5 L1", "floor, bench, console table, shoe rack",
         similar="blanket", also="brolly", prints="plain, dotted, striped", shapes="long"),
    _row("shoe", "walking", (.28, .22, .12), "any", "leather, fabric, rubber", "H5 B2 C1", "floor, shoe rack, bench", similar="slipper",
         also="pair of shoes, sneaker, boot, sneakers"),
    _row("slipper", "walking indoors", (.26, .22, .09), "gaudy, grey, brown", "fabric, leather", "B4 H3 W1 G2", "floor, shoe rack",
         similar="shoe", also="pair of slippers, house shoe, house shoes", prints="plain, checked, dotted"),
    _row("hat", "wearing on the head", (.32, .30, .14), "any", "fabric, wicker, leather", "H4 B3 G1", "console table, bench, shoe rack, dresser, double bed, single bed, armchair",
         similar="bowl, ball", also="sun hat", prints="plain, striped", shapes="round"),
    _row("wallet", "carrying money", (.17, .11, .07), "brown, black, red, blue, green", "leather, fabric", "H4 B3 K1", "console table, nightstand, desk, dining table, dresser",
         similar="notebook, remote control", also="billfold", shapes="flat"),
    # Textiles
    _row("pillow", "resting the head", (.44, .34, .16), "any", "fabric", "B4 L4 C2 G3", "sofa, armchair, beds, bench", similar="blanket, towel",
         also="cushion", prints="any", shapes="square"),
    _row("blanket", "keeping warm", (.46, .36, .16), "any", "fabric", "B3 L4 C2 G3", "sofa, armchair, beds, bench, drying rack", similar="pillow, towel",
         also="throw, plaid", prints="any", shapes="square"),
    _row("towel", "drying", (.38, .26, .12), "any", "fabric", "W5 U4 K1 G1", "towel shelf, washing machine, laundry table, drying rack, washbasin, sink cabinet, single bed",
         similar="blanket, pillow", also="bath towel, hand towel", prints="plain, striped, checked", shapes="square"),
    # Storing, cleaning, bathroom
    _row("box", "storing things", (.32, .25, .22), "brown, white, blue, red, green, grey", "paper, plastic, wood", "S3 C3 H2 U2 B2 G2",
         "floor, desk, bookcase, dresser, laundry table, bench, toy chest", similar="basket, lunch box", also="carton, storage box, cardboard box",
         states="openness", plural="boxes", prints="plain, striped, dotted", shapes="square"),
    _row("basket", "storing things", (.38, .32, .24), "brown, white, grey, pink, blue", "wicker, fabric", "U4 W3 L2 C2 B2", "floor, washing machine, laundry table, bench, toy chest, towel shelf",
         similar="waste bin, box", also="laundry basket, wicker basket, hamper", states="fill", shapes="round, square"),
    _row("waste bin", "collecting rubbish", (.26, .26, .32), "plain, green, blue, red", "plastic, metal", "K4 S3 W3 B1 U1 C1", "floor",
         similar="bucket, basket", also="bin, trash can, wastebasket, waste basket, dustbin, rubbish bin", states="fill", shapes="round, square"),
    _row("bucket", "carrying water", (.28, .28, .26), "gaudy, grey", "plastic, metal", "U4 W2 K2", "floor, washing machine, laundry table, bench", similar="waste bin, pot",
         also="pail", states="fill", shapes="round"),
    _row("watering can", "watering plants", (.36, .16, .27), "green, blue, red, yellow, grey", "plastic, metal", "U3 L2 K2 H1 D1", "floor, laundry table, kitchen counter, sideboard, washing machine",
         similar="kettle, bucket", also="plant sprinkler"),
    _row("toilet roll", "wiping", (.12, .12, .11), "white, pink", "paper", "W5 U1", "toilet, washbasin, towel shelf, washing machine", similar="candle, jar",
         also="toilet paper, roll of toilet paper", shapes="round"),
    _row("soap bottle", "washing hands", (.10, .09, .20), "pink, green, blue, orange, white, yellow", "plastic, glass", "W5 K2 U1", "washbasin, sink cabinet, towel shelf, kitchen counter",
         similar="bottle, detergent bottle", also="soap, soap dispenser, hand soap, shampoo", shapes="long"),
    _row("toothbrush cup", "brushing teeth", (.09, .09, .20), "blue, white, green, pink, orange", "plastic, ceramic, glass", "W5", "washbasin, towel shelf",
         similar="glass, mug", also="toothbrush, toothbrushes, toothbrush holder", shapes="round"),
    _row("detergent bottle", "washing clothes", (.20, .11, .30), "blue, orange, white, purple, green", "plastic", "U5 W2", "washing machine, laundry table, towel shelf, floor",
         similar="soap bottle, watering can", also="detergent, laundry detergent, washing liquid"),
    _row("iron", "ironing clothes", (.28, .13, .15), "blue, white, red, purple, black", "metal, plastic", "U5 B1 G1", "laundry table, washing machine, dresser",
         similar="toy car, shoe", also="flat iron, clothes iron", states="power"),
    _row("hairbrush", "brushing hair", (.26, .09, .07), "pink, brown, black, purple, blue, red", "plastic, wood", "W4 B3 G1", "washbasin, dresser, nightstand, towel shelf",
         similar="scissors, remote control", also="hair brush, brush, comb", plural="hairbrushes", shapes="long"),
])

FURNITURE: dict[str, Category] = dict([
    _row("sofa", "sitting", (1.9, .88, .82), "grey, blue, green, red, brown", "fabric, leather", "L5 G1", similar="armchair, double bed", also="couch, settee"),
    _row("armchair", "sitting", (.85, .82, .88), "grey, red, yellow, green, brown", "fabric, leather", "L4 B1 S1 G1", similar="sofa, dining chair", also="easy chair"),
    _row("coffee table", "putting things", (1.05, .6, .42), "wood", "wood, metal", "L5", similar="bench, dining table", also="low table, sofa table"),
    _row("tv stand", "holding the television", (1.6, .42, .50), "wood", "wood", "L5", similar="sideboard, coffee table", also="television stand, tv bench, media console"),
    _row("television", "watching", (.96, .22, 1.08), "black", "plastic", "L5", similar="desk", also="tv, tv set, telly, screen", states="power"),
    _row("bookcase", "storing books", (.95, .34, 1.66), "wood", "wood", "L4 S4 C1", similar="kitchen shelf, wardrobe", also="bookshelf, book shelf"),
    _row("dining table", "eating", (1.6, .9, .75), "wood", "wood", "D5 K1", similar="desk, laundry table", also="kitchen table, table"),
    _row("dining chair", "sitting", (.46, .5, .92), "wood, red, blue", "wood, plastic", "D5 K2", similar="office chair, armchair", also="chair, kitchen chair"),
    _row("sideboard", "storing dishes", (1.5, .45, .82), "wood", "wood", "D4 L2", similar="dresser, kitchen counter", also="buffet, credenza"),
    _row("kitchen counter", "preparing food", (1.8, .62, .90), "white, grey, brown, blue", "wood", "K5", similar="sink cabinet, sideboard", also="counter, countertop, worktop, kitchen worktop"),
    _row("stove", "cooking", (.6, .62, .90), "white, black, grey", "metal", "K5", similar="washing machine, kitchen counter", also="cooker, oven, cooktop, hob", states="power"),
    _row("refrigerator", "cooling food", (.68, .66, 1.75), "white, grey, red", "metal", "K5", similar="wardrobe", also="fridge"),
    _row("sink cabinet", "washing dishes", (1.0, .62, 1.08), "white, grey, brown, blue", "wood, metal", "K5", similar="kitchen counter, washbasin", also="kitchen sink, sink"),
    _row("kitchen shelf", "storing dishes", (.95, .36, 1.50), "wood", "wood, metal", "K5", similar="bookcase, towel shelf", also="pantry shelf", plural="kitchen shelves"),
    _row("double bed", "sleeping", (1.7, 2.1, .95), "wood, grey", "wood, fabric", "B5 G1", similar="single bed, sofa", also="bed, king bed"),
    _row("single bed", "sleeping", (1.0, 2.05, .85), "wood, grey", "wood, metal", "G5", similar="kids bed, double bed", also="guest bed"),
    _row("kids bed", "sleeping", (.95, 1.75, .78), "white, red, blue, yellow, pink", "wood", "C5", similar="single bed, toy chest", also="child bed, children's bed, cot"),
    _row("nightstand", "putting things by the bed", (.48, .42, .55), "wood", "wood", "B5 G3 C1", similar="filing cabinet, coffee table", also="bedside table, night table"),
    _row("dresser", "storing clothes", (1.1, .48, .86), "wood", "wood", "B4 G3 C1", similar="sideboard", also="chest of drawers, drawers, commode"),
    _row("wardrobe", "storing clothes", (1.3, .6, 1.95), "wood, grey", "wood", "B5 G3 C2 H1", similar="bookcase, refrigerator", also="closet, clothes cupboard"),
    _row("desk", "working", (1.3, .66, .74), "wood", "wood, metal", "S5 C3 G1", similar="dining table, laundry table", also="writing desk, work desk, writing table"),
    _row("office chair", "sitting", (.6, .6, 1.0), "black, grey, blue, red", "fabric, leather", "S5 C2", similar="dining chair, armchair", also="desk chair, swivel chair"),
    _row("toy chest", "storing toys", (.9, .46, .48), "red, yellow, blue, green, brown", "wood", "C5", similar="bench, kids bed", also="toy box, toybox, toy trunk"),
    _row("bathtub", "bathing", (1.65, .75, .58), "white", "ceramic", "W5", similar="toilet", also="bath, tub, bath tub"),
    _row("toilet", "flushing", (.42, .68, .80), "white", "ceramic", "W5", similar="bathtub", also="loo, wc"),
    _row("washbasin", "washing hands", (.85, .48, 1.03), "white, brown, grey", "ceramic, wood", "W5", similar="sink cabinet", also="wash basin, bathroom sink, vanity"),
    _row("towel shelf", "storing towels", (.65, .36, 1.45), "white, brown", "wood, metal", "W5 U1", similar="kitchen shelf, shoe rack", also="towel rack, bathroom shelf", plural="towel shelves"),
    _row("washing machine", "washing clothes", (.6, .6, .86), "white, grey", "metal", "U5 W1", similar="stove", also="washer", states="power"),
    _row("laundry table", "folding laundry", (1.2, .6, .86), "wood, blue", "wood, plastic", "U5", similar="desk, dining table", also="folding table, ironing table"),
    _row("drying rack", "drying clothes", (1.1, .55, .95), "white, grey, blue", "metal", "U5 W1", similar="towel shelf, laundry table", also="clothes horse, clothes rack, airer"),
    _row("shoe rack", "storing shoes", (.8, .34, .46), "wood", "wood, metal", "H5", similar="bench, towel shelf", also="shoe shelf"),
    _row("console table", "putting things", (1.0, .36, .82), "wood", "wood, metal", "H5", similar="sideboard, desk", also="hall table, hallway table, side table"),
    _row("coat stand", "hanging coats", (.5, .5, 1.75), "brown, black, white", "wood, metal", "H5", similar="floor lamp", also="coat rack, hat stand"),
    _row("floor lamp", "lighting", (.42, .42, 1.6), "black, grey, brown", "metal, wood", "L4 S2 B1 G1", similar="coat stand", also="standing lamp, standard lamp", states="power"),
    _row("bench", "sitting", (1.1, .4, .46), "wood, green", "wood", "H4 D1 K1", similar="coffee table, shoe rack", also="hall bench", plural="benches"),
    _row("filing cabinet", "storing papers", (.46, .56, .72), "grey, black, white, green", "metal", "S5", similar="nightstand, dresser", also="file cabinet"),
])

# Furniture that things can be put on: all but what has no free top (a test holds it to the catalogue's surfaces).
HOLDERS: tuple[str, ...] = tuple(
    label for label in FURNITURE
    if label not in ("television", "refrigerator", "wardrobe", "bathtub", "coat stand", "floor lamp")
)

_THREE = ("lower", "middle", "upper")
# Furniture with several open levels: (z_min, z_max, surface name); heights are the same in all houses, so the height
# of a thing's base over the floor names its level. The boards themselves are at catalog.SHELF_BOARDS.
LEVELS: dict[str, tuple[tuple[float, float, str], ...]] = {
    label: tuple((lo, hi, f"{names[k]} shelf of the {label}") for k, (lo, hi) in enumerate(zip(cuts, (*cuts[1:], 9.0))))  # noqa: B905  (habitat's Python 3.9)
    for label, cuts, names in (
        ("bookcase", (0.0, 0.40, 0.90), _THREE), ("kitchen shelf", (0.0, 0.40, 0.85), _THREE),
        ("towel shelf", (0.0, 0.38, 0.80), _THREE), ("shoe rack", (0.0, 0.27), ("lower", "upper")),
    )
}


def surface_name(furniture_label: str, height_m: float) -> str:
    """The name of the surface of ``furniture_label`` on which a thing stands whose base is ``height_m`` over the floor."""
    for _, high, name in LEVELS.get(furniture_label, ()):
        if height_m < high:
            return name
    return furniture_label


def surface_names(furniture_label: str) -> tuple[str, ...]:
    """All surface names of a furniture label, lowest level first (the label itself where it has no levels)."""
    return tuple(name for _, _, name in LEVELS.get(furniture_label, ())) or (furniture_label,)


def _looks() -> tuple[np.ndarray, np.ndarray]:
    """How each colour may look (C×K×3) under shading 0.45..1.1 with a share of mid-grey, and the price of that share (K)."""
    shading, haze = (grid.ravel() for grid in np.meshgrid(np.linspace(0.45, 1.1, 27), np.linspace(0.0, 0.4, 9)))
    pure = np.array(list(COLOURS.values()))[:, None, :] * (shading * (1 - haze))[None, :, None]
    return pure + 0.45 * haze[None, :, None], 0.3 * haze**2


_LOOKS, _PRICE = _looks()
_NAMES = tuple(COLOURS)
_SCALE = (_LOOKS**2).sum(axis=-1) + 0.02  # distances are relative to brightness: a dark image still has hues


def colour_name(rgb: Sequence[float]) -> str:
    """The colour word for the mean RGB (0..1, or 0..255 if any channel exceeds 1.5) of an object.

    Right under any shading by 0.48..1.05 (beyond, bright grey and dark white meet), and robust to handles,
    labels and screens, which mix some grey in.
    """
    value = np.asarray(rgb, dtype=np.float64)
    if value.max() > 1.5:
        value = value / 255
    misfit = ((_LOOKS - value) ** 2).sum(axis=-1) / _SCALE + _PRICE
    return _NAMES[int(misfit.min(axis=1).argmin())]


def _index() -> dict[str, str]:
    table: dict[str, str] = {}
    for category in (*THINGS.values(), *FURNITURE.values()):
        for word in (category.label, category.plural, *category.synonyms):
            table.setdefault(word, category.label)
            table.setdefault(word + ("es" if word.endswith(("ch", "sh", "x", "s")) else "s"), category.label)
    return table


_LABEL_OF = _index()


def resolve(word: str) -> str | None:
    """The label meant by a label, plural or synonym, in any case; None when the vocabulary does not know it."""
    return _LABEL_OF.get(" ".join(word.lower().split()))


def category(label: str) -> Category:
    """The category of a thing's or furniture's label; KeyError when there is none."""
    return THINGS[label] if label in THINGS else FURNITURE[label]


def plural(label: str) -> str:
    """``"glass"`` → ``"glasses"``; unknown words get an s."""
    known = THINGS.get(label) or FURNITURE.get(label)
    return known.plural if known else label + "s"
