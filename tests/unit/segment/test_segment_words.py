"""What a prompt's words ask for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.segment.scenery.light import MOODS
from services.segment.scenery.noise import Noise
from services.segment.scenery.plan import PLACES, plan
from services.segment.scenery.surfaces import SURFACES
from services.segment.scenery.words import (
    COLOUR_WORDS,
    MOOD_RANK,
    MOOD_WORDS,
    PLACE_WORDS,
    SEASON_WORDS,
    SURFACE_WORDS,
    read,
)

DRAWN = {*SURFACES, "grass", "water"}


@pytest.mark.parametrize(
    ("prompt", "surface", "place", "mood"),
    [
        ("on a marble countertop with soft natural light", "marble", "kitchen", "soft"),
        ("marble countertop in a sunlit kitchen", "marble", "kitchen", "bright"),
        ("rustic oak table in a cozy cafe, warm light", "wood", "cafe", "warm"),
        ("tropical beach at sunset", "", "beach", "sunset"),
        ("soft sunset light on sand", "sand", "beach", "sunset"),
        ("neon city street at night, wet asphalt", "asphalt", "street", "neon"),
        ("a table of marble in the forest", "marble", "forest", "soft"),
        ("lake in the mountains", "water", "mountains", "soft"),
        ("outdoor cafe terrace", "wood", "street", "soft"),
        ("dramatic black marble", "marble", "", "dramatic"),
        ("concrete podium", "concrete", "", "soft"),
        ("golden hour in a meadow", "grass", "garden", "sunset"),
    ],
)
def test_words_are_understood(prompt: str, surface: str, place: str, mood: str) -> None:
    """Surface, surroundings and light of everyday prompts, the page's own among them."""
    wish = read(prompt)
    assert (wish.surface, wish.place, wish.mood) == (surface, place, mood)


@pytest.mark.parametrize("prompt", ["", "xyzzy quux", "nebula of seventeen dragons", "мрамор", "!!! ???"])
def test_unknown_words_are_a_studio(prompt: str) -> None:
    """Words outside the vocabulary give the neutral studio sweep in soft light."""
    scene = plan(read(prompt), Noise(1))
    assert scene.place is PLACES["studio"]
    assert scene.sweep and scene.surface == "paper" and scene.mood.name == "soft"


@pytest.mark.parametrize(
    ("prompt", "place", "mood"),
    [
        ("auf der Straße", "street", "soft"),
        ("in einer Ku\u0308che", "kitchen", "soft"),
        ("a dark-sky hill", "sky", "night"),
    ],
    ids=["sharp s", "accent apart", "hyphen"],
)
def test_every_way_to_write_a_word_is_read(prompt: str, place: str, mood: str) -> None:
    """A sharp s, an accent that is a character of its own, a hyphen."""
    wish = read(prompt)
    assert (wish.place, wish.mood) == (place, mood)


def test_colours_go_where_they_are_said() -> None:
    """A colour before a surface tints the surface, another one the surroundings; black and white choose a sort."""
    velvet = read("blue velvet in a pink studio")
    assert velvet.surface_tint is not None and velvet.surface_tint[2] > velvet.surface_tint[0]
    assert velvet.place_tint is not None and velvet.place_tint[0] > velvet.place_tint[2]
    black = read("black marble")
    assert black.dark and black.surface_tint is None
    assert not read("white marble").dark


def test_every_word_leads_to_something_that_is_drawn() -> None:
    """The vocabulary names no surface, place or light that does not exist, and a prompt can have each of its words."""
    for word in {*SURFACE_WORDS, *PLACE_WORDS, *MOOD_WORDS, *SEASON_WORDS, *COLOUR_WORDS}:
        assert repr(read(word)) != repr(read("")) or MOOD_WORDS.get(word) == "soft", word
    assert set(SURFACE_WORDS.values()) <= DRAWN
    assert set(PLACE_WORDS.values()) == set(PLACES)
    assert set(MOOD_WORDS.values()) == set(MOODS) == set(MOOD_RANK)
    assert {place.surface for place in PLACES.values()} <= DRAWN


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(sorted({*SURFACE_WORDS, *PLACE_WORDS, *MOOD_WORDS, *COLOUR_WORDS}))).map(" ".join)
)
def test_any_text_is_a_scene(text: str) -> None:
    """No text, however odd, is an error, and the same text is always the same scene."""
    scene = plan(read(text), Noise(3))
    assert scene.surface in DRAWN
    assert scene.ground.vanishing <= scene.ground.edge < 0.7
    assert plan(read(text), Noise(3)).surface == scene.surface


@pytest.mark.parametrize(
    ("prompt", "surface", "place", "mood", "season"),
    [
        ("sur une table en bois dans une cuisine ensoleillée", "wood", "kitchen", "bright", ""),
        ("auf einer Marmorplatte in der Küche", "marble", "kitchen", "soft", ""),
        ("auf einem Holztisch im Wald, Herbst", "wood", "forest", "soft", "autumn"),
        ("en la playa al atardecer", "", "beach", "sunset", ""),
        ("su un tavolo di legno in giardino", "wood", "garden", "soft", ""),
        ("Schreibtisch im Büro bei Nacht", "", "desk", "night", ""),
    ],
)
def test_four_more_languages_are_read(prompt: str, surface: str, place: str, mood: str, season: str) -> None:
    """German, French, Spanish and Italian words for surfaces, places, lights and seasons mean what they mean."""
    wish = read(prompt)
    assert (wish.surface, wish.place, wish.mood, wish.season) == (surface, place, mood, season)


def test_no_window_stands_in_the_open() -> None:
    """The bars of a window shade tables in rooms, not snow or grass; the sun in a room comes through a window."""
    for place in ("snowy mountains", "meadow", "beach", "street"):
        assert plan(read(f"{place}, soft light"), Noise(1)).mood.gobo != "window"
    sunny = plan(read("marble countertop in a sunlit kitchen"), Noise(1)).mood
    assert sunny.gobo == "window" and sunny.key[0] > sunny.key[2] * 1.2
