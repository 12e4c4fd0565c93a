"""What the words of a prompt ask for: surface, surroundings, light, palette and season.

A closed vocabulary, read by rule: the same words always mean the same scene, and an unknown word changes nothing. The
words are English; surfaces, places, lights and seasons are also known in German, French, Spanish and Italian (and some
in Portuguese).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.material import colour

SURFACE_WORDS: dict[str, str] = {
    word: surface
    for surface, words in {
        "marble": "marmor marmorplatte arbeitsplatte marbre mármol encimera marmo mármore marble quartz "
        "countertop counter worktop onyx travertine",
        "wood": "holz holztisch holzbrett bois madera legno madeira wood wooden oak walnut timber plank planks "
        "pine bamboo teak mahogany table tabletop board parquet "
        "hardwood log bench",
        "concrete": "beton béton hormigón cemento concrete cement plaster microcement terrazzo clay stucco podium "
        "pedestal plinth",
        "stone": "stein schiefer pierre ardoise piedra pietra pedra stone slate granite rock rocks rocky basalt "
        "boulder cliff",
        "fabric": "stoff leinen samt tissu velours tela tessuto fabric cloth linen silk satin velvet textile "
        "cotton tablecloth blanket wool canvas bed sheets",
        "grass": "gras rasen wiese herbe pelouse césped hierba erba grass lawn meadow turf",
        "sand": "sable arena sabbia areia sand sandy",
        "water": "wasser eau agua acqua água water",
        "snow": "schnee neige nieve neve snow snowy",
        "soil": "soil moss mossy earth mud dirt",
        "asphalt": "asphalt pavement tarmac road cobblestone sidewalk",
        "tile": "tile tiles tiled ceramic porcelain mosaic",
        "gloss": "glass acrylic mirror glossy reflective lacquer plexiglass",
        "paper": "paper seamless sweep cyclorama",
    }.items()
    for word in words.split()
}

PLACE_WORDS: dict[str, str] = {
    word: place
    for place, words in {
        "studio": "studio backdrop photostudio gradient cyclorama minimal minimalist",
        "kitchen": "küche cuisine cocina cucina cozinha kitchen cooking pantry countertop",
        "room": "wohnzimmer salon salón soggiorno sala room living livingroom bedroom lounge interior home house "
        "sofa fireplace apartment hotel cosy cozy "
        "cabin bed",
        "desk": "schreibtisch büro bureau escritorio oficina ufficio desk office workspace workplace study "
        "workbench laptop computer",
        "shop": "laden geschäft magasin tienda negozio loja shop store shelf shelves boutique supermarket market "
        "retail bookshop library showroom",
        "cafe": "cafe café coffeehouse restaurant bar pub bistro bakery diner",
        "bathroom": "badezimmer baño bagno banheiro bathroom bath spa shower vanity washbasin",
        "beach": "strand plage playa spiaggia praia beach seaside shore coast coastal tropical island seashore palm",
        "sea": "meer mer mar océano sea ocean lake river pond pool water waves",
        "forest": "wald forêt bosque bosco foresta floresta forest wood's woods woodland jungle trees rainforest "
        "tree pines",
        "garden": "garten jardin jardín giardino jardim garden park meadow field lawn backyard orchard picnic "
        "flowers countryside farm vineyard grass",
        "street": "straße strasse stadt rue ville calle ciudad strada città rua street city urban downtown alley "
        "road traffic skyline town avenue rooftop tokyo york paris",
        "mountains": "berge gebirge montagne montagnes montañas montagna mountain mountains alps hills peak peaks "
        "valley alpine cliff canyon",
        "desert": "wüste désert desierto deserto desert dune dunes sahara",
        "sky": "sky clouds heaven terrace balcony",
        "winter": "snow snowy",
    }.items()
    for word in words.split()
}

MOOD_WORDS: dict[str, str] = {
    word: mood
    for mood, words in {
        "soft": "sanft weich doux douce suave soft diffuse diffused gentle natural even airy clean delicate",
        "bright": "sonnig sonnige sonnigen sonnenlicht ensoleillé ensoleillée soleil soleado soleada bright sunny "
        "sunlit sunlight daylight sun noon summer midday morning sunshine",
        "warm": "warme warmes warmem chaud chaude cálida cálido calda warm cosy cozy candle candlelight candlelit "
        "golden lamplight tungsten firelight fireplace",
        "sunset": "sonnenuntergang coucher crépuscule atardecer tramonto sunset sunrise dusk dawn twilight evening",
        "overcast": "regen nebel pluie brume lluvia niebla pioggia nebbia overcast cloudy foggy misty mist fog "
        "rain rainy haze hazy",
        "night": "nacht nuit noche notte noite night midnight moonlight moonlit nighttime starry stars",
        "dramatic": "dramatic moody cinematic spotlight lowkey noir contrast chiaroscuro mysterious",
        "neon": "neon cyberpunk synthwave vaporwave futuristic club",
    }.items()
    for word in words.split()
}

MOOD_RANK = ("neon", "night", "sunset", "dramatic", "overcast", "warm", "bright", "soft")
"""The stronger word wins where two are said: "soft sunset light" is a sunset."""

SEASON_WORDS: dict[str, str] = {
    "frühling": "spring",
    "printemps": "spring",
    "primavera": "spring",
    "sommer": "summer",
    "été": "summer",
    "verano": "summer",
    "herbst": "autumn",
    "automne": "autumn",
    "otoño": "autumn",
    "autunno": "autumn",
    "outono": "autumn",
    "hiver": "winter",
    "invierno": "winter",
    "inverno": "winter",
    "schnee": "winter",
    "neige": "winter",
    "nieve": "winter",
    "neve": "winter",
    "weihnachten": "christmas",
    "weihnachtlich": "christmas",
    "noël": "christmas",
    "navidad": "christmas",
    "natale": "christmas",
    "spring": "spring",
    "blossom": "spring",
    "blossoms": "spring",
    "summer": "summer",
    "autumn": "autumn",
    "autumnal": "autumn",
    "fall": "autumn",
    "harvest": "autumn",
    "winter": "winter",
    "wintry": "winter",
    "snow": "winter",
    "snowy": "winter",
    "frost": "winter",
    "frosty": "winter",
    "ice": "winter",
    "icy": "winter",
    "christmas": "christmas",
    "xmas": "christmas",
    "festive": "christmas",
    "holiday": "christmas",
}

COLOUR_WORDS: dict[str, str] = {
    "red": "#b3322c",
    "crimson": "#97222c",
    "burgundy": "#6a1f2d",
    "pink": "#eab4bd",
    "rose": "#d99aa4",
    "coral": "#ee8b70",
    "peach": "#f5c4a4",
    "orange": "#e08a3c",
    "terracotta": "#c06a48",
    "rust": "#9c5230",
    "brown": "#6f4d36",
    "chocolate": "#4b3226",
    "beige": "#dccdb5",
    "cream": "#f0e6d2",
    "ivory": "#f3eee0",
    "sandstone": "#d8bd94",
    "yellow": "#ecc94b",
    "mustard": "#c99a2e",
    "gold": "#c9a24d",
    "lime": "#b4cf4f",
    "green": "#5f8a55",
    "olive": "#7a7a45",
    "sage": "#a9b79c",
    "mint": "#b5dcc6",
    "emerald": "#1f6f54",
    "teal": "#2c7d7f",
    "turquoise": "#57bdb8",
    "cyan": "#6ccbd8",
    "aqua": "#8fd6d8",
    "blue": "#4a78a8",
    "navy": "#22304d",
    "azure": "#6fa8dc",
    "indigo": "#40407a",
    "purple": "#765a94",
    "violet": "#8468a8",
    "lavender": "#c5b8de",
    "lilac": "#cdb6d8",
    "magenta": "#b8408a",
    "grey": "#9a9a9c",
    "gray": "#9a9a9c",
    "silver": "#c0c3c6",
    "charcoal": "#3c3e42",
    "black": "#1b1c1e",
    "white": "#f1efec",
}

PALETTE_WORDS: dict[str, str] = {"pastel": "#e8d3d8", "earthy": "#b08d6a", "neutral": "#d5cec3", "nordic": "#e3e3df"}

DARK_WORDS = frozenset(
    ["dark", "black", "walnut", "mahogany", "charcoal", "ebony", "wenge", "navy", "chocolate", "slate", "noir", "deep"]
)
"""Words that ask for the dark sort of a surface."""

DEFAULT_PLACE_OF_SURFACE: dict[str, str] = {
    "marble": "kitchen",
    "sand": "beach",
    "grass": "garden",
    "water": "sea",
    "snow": "winter",
    "soil": "forest",
    "asphalt": "street",
}
"""Where a surface is at home when the prompt names no surroundings; the rest stand in a studio."""

_WATERS = frozenset({"lake", "river", "pond", "pool"})
"""Water within another place: a lake in the mountains."""

_BARE_WORDS = frozenset(
    [
        "plain",
        "clean",
        "minimal",
        "minimalist",
        "simple",
        "empty",
        "blank",
        "seamless",
        "cyclorama",
        "gradient",
        "solid",
    ]
)
"""A studio with nothing in it."""

_OUTSIDE = frozenset({"outdoor", "outdoors", "outside", "terrace", "sidewalk"})

_HINTS = frozenset(
    {
        "cozy",
        "cosy",
        "home",
        "house",
        "interior",
        "minimal",
        "minimalist",
        "gradient",
        "trees",
        "tree",
        "flowers",
        "town",
        "city",
    }
)
"""Words that only colour a place: any other place named beside them wins."""

_STRONG_SURFACES = frozenset(
    [
        "marmor",
        "marbre",
        "mármol",
        "marmo",
        "holz",
        "bois",
        "madera",
        "legno",
        "marble",
        "wood",
        "wooden",
        "oak",
        "walnut",
        "concrete",
        "stone",
        "slate",
        "granite",
        "fabric",
        "linen",
        "silk",
        "satin",
        "velvet",
        "grass",
        "sand",
        "water",
        "snow",
        "moss",
        "tile",
        "tiles",
        "glass",
        "mirror",
    ]
)
"""A word that names a material wins over one that names a piece of furniture: "a table of marble"."""

_WORD = re.compile(r"[a-zß-ÿ']+")


@dataclass(frozen=True)
class Wish:
    """What a prompt asks for.

    Attributes:
        surface: a key of the surfaces, or empty.
        place: a key of the places, or empty.
        mood: a key of the moods.
        season: ``spring`` ... ``christmas``, or empty.
        surface_tint: (3,) linear RGB for the surface, or None.
        place_tint: (3,) linear RGB for the surroundings, or None.
        dark: the surface's dark sort.
        wet: wet ground, which mirrors.
        bare: a set without anything in it, not even a shadow on its wall.
    """

    surface: str
    place: str
    mood: str
    season: str
    surface_tint: NDArray[np.float32] | None
    place_tint: NDArray[np.float32] | None
    dark: bool
    wet: bool
    bare: bool = False


def read(prompt: str) -> Wish:
    """The scene that a prompt describes; unknown words are passed over.

    Args:
        prompt: any text; letters outside the vocabulary's alphabet are ignored.
    """
    # A letter and its accent may come as two characters, as in the names of files on a Mac.
    words = _WORD.findall(unicodedata.normalize("NFC", prompt).lower())
    text = " ".join(words)
    surfaces = [(i, SURFACE_WORDS[w]) for i, w in enumerate(words) if w in SURFACE_WORDS]
    strong = [(i, s) for i, s in surfaces if words[i] in _STRONG_SURFACES]
    at, surface = (strong or surfaces or [(-1, "")])[0]
    places = [PLACE_WORDS[w] for w in words if w in PLACE_WORDS]
    # A material that also names a place ("water", "grass", "snow") yields to a place that is named outright.
    outright = [PLACE_WORDS[w] for w in words if w in PLACE_WORDS and w not in SURFACE_WORDS]
    clear = {w for w in words if w in PLACE_WORDS and w not in SURFACE_WORDS and w not in _HINTS}
    lands = [PLACE_WORDS[w] for w in words if w in clear and w not in _WATERS]
    named = lands or [PLACE_WORDS[w] for w in words if w in clear]
    place = (named or outright or places or [""])[0]
    moods = {MOOD_WORDS[w] for w in words if w in MOOD_WORDS}
    if "golden hour" in text:
        moods.add("sunset")
    if "low key" in text:
        moods.add("dramatic")
    if "dark sky" in text:
        moods.add("night")
    mood = next((name for name in MOOD_RANK if name in moods), "soft")
    if surface == "" and place not in ("", "sea", "beach") and _WATERS & set(words):
        surface = "water"
    if place in ("cafe", "shop") and _OUTSIDE & set(words):
        place, surface = "street", surface or "wood"
    if place == "" and surface and not (mood == "dramatic" and surface == "marble"):
        place = DEFAULT_PLACE_OF_SURFACE.get(surface, "")
    season = next((SEASON_WORDS[w] for w in words if w in SEASON_WORDS), "")
    surface_tint, place_tint = _palette(words, at)
    if surface_tint is None and place_tint is not None and not places and surface in _TINTED_SURFACES:
        # "Satin, burgundy": with no surroundings named, the colour is the cloth's.
        surface_tint, place_tint = place_tint, None
    near = set(words[max(0, at - 2) : at + 1]) if at >= 0 else set()
    dark = bool(near & DARK_WORDS) or (
        surface in ("gloss", "paper", "concrete", "fabric") and mood in ("dramatic", "night")
    )
    return Wish(
        surface=surface,
        place=place,
        mood=mood,
        season=season,
        surface_tint=surface_tint,
        place_tint=place_tint,
        dark=dark,
        wet=bool({"wet", "rain", "rainy", "puddle", "puddles"} & set(words)),
        bare=bool(_BARE_WORDS & set(words)),
    )


_NEUTRAL_SORTS = frozenset({"black", "white", "grey", "gray", "gold", "silver", "charcoal"})
"""Before a surface these choose its sort, not a tint: "white marble", "black granite"."""

_TINTED_SURFACES = frozenset({"fabric", "paper", "concrete", "gloss", "tile"})
"""Surfaces that take any colour, the neutral ones too."""


def _palette(words: list[str], surface_at: int) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    surface_tint: NDArray[np.float32] | None = None
    place_tint: NDArray[np.float32] | None = None
    for i, word in enumerate(words):
        code = COLOUR_WORDS.get(word) or PALETTE_WORDS.get(word)
        if code is None:
            continue
        rgb = colour(code)
        if "pastel" in words and word in COLOUR_WORDS:
            rgb = (0.45 * rgb + 0.55 * colour("#f4efec")).astype(np.float32)
        of_surface = surface_at >= 0 and 0 < surface_at - i <= 2
        if of_surface:
            takes = SURFACE_WORDS[words[surface_at]] in _TINTED_SURFACES or word not in _NEUTRAL_SORTS
            surface_tint = rgb if takes else surface_tint
        elif place_tint is None:
            place_tint = rgb
    return surface_tint, place_tint
