"""Whether a further photo shows the session's thing, and where: the proposal that is most like it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lensora.core.boxes import Box, Category, Proposal, SuggestedAction
from lensora.core.errors import SubjectUnlike
from lensora.core.words import ViewSide


@dataclass(frozen=True, slots=True)
class MatchRules:
    """How unlike a further photo may be. ``python -m quality.likeness`` measures it on pairs of photos.

    Likeness is the chance that two photos show one thing. Of the corpus' pairs of one thing none is refused.

    Attributes:
        unlike: below this likeness a photo clearly shows another thing, and is refused.
        doubtful: below this one the answer advises to look.
        lead: by this much another proposal must be more like the thing than the photo's first to be taken for it.
        aspect_wrong: the thing's width to height may differ by this factor between its front and its back; beyond it
            the photo does not show that side upright, and is refused.
        aspect_doubtful: beyond this factor the answer advises to look. A low camera and a high one differ by less.
    """

    unlike: float = 0.02
    doubtful: float = 0.3
    lead: float = 0.2
    aspect_wrong: float = 4.0
    aspect_doubtful: float = 1.8


RULES = MatchRules()

UNLIKE_ADVICE = SuggestedAction(
    "view_unlike",
    "This photo may show another thing than the first one; look whether the box is around the right thing.",
)
FILM_ADVICE = SuggestedAction(
    UNLIKE_ADVICE.code,
    "This film may show another thing than the first photo; look whether the right thing is in its pictures.",
)
ASPECT_ADVICE = SuggestedAction(
    "view_aspect",
    "The thing is much wider or narrower here than in the first photo; check the box, and that the photo is upright.",
)

SIDE_ADVICE = SuggestedAction(
    "view_side",
    "Say which side this photo shows. Without that it is used only where its side is clear, which is seldom; it is "
    "paid for either way.",
)

_SAME_OUTLINE = frozenset({ViewSide.FRONT, ViewSide.BACK})
"""Sides from which a thing has about the outline of the first photo, mirrored or not."""


@dataclass(frozen=True, slots=True)
class Match:
    """The thing in a further photo.

    Attributes:
        index: of the further photo's proposals.
        thing: which of the things that it was compared with; 0 where nothing was compared.
        likeness: 0..1; None where nothing was compared.
    """

    index: int
    thing: int = 0
    likeness: float | None = None


def matched(
    proposals: Sequence[Proposal],
    likeness: Mapping[Proposal, Sequence[float]],
    things: Sequence[Proposal],
    side: ViewSide | None,
    rules: MatchRules = RULES,
) -> Match:
    """The proposal of a further photo that is the session's thing.

    Args:
        proposals: of the further photo, best first, the full frame last.
        likeness: of each to each of the session's things that it may be; empty where nothing was compared.
        things: these things of the session; its full frame is taken for the thing only where there is no other.
        side: the side that the photo shows; a detail need not be like the whole.

    Raises:
        SubjectUnlike: none is like any of them.
    """
    found = [each for each in proposals if each.category != Category.FULL_FRAME] or list(proposals)
    alike = {each: max(likeness[each]) for each in found if likeness.get(each)}
    first = found[0]
    if first not in alike:
        return Match(proposals.index(first))
    best = max(alike, key=lambda each: alike[each])
    taken = best if alike[best] > alike[first] + rules.lead else first
    if alike[best] < rules.unlike and side is not ViewSide.DETAIL:
        raise SubjectUnlike(
            f"image must show the session's subject: the likeness of what is in it is {alike[best]:.2f}, and must be "
            f"at least {rules.unlike:.2f}. If it is the same thing, say where it is with bbox.",
            field="image",
        )
    cut = [index for index, each in enumerate(things) if each.category != Category.FULL_FRAME] or range(len(things))
    thing = max(cut, key=lambda index: likeness[taken][index])
    return Match(proposals.index(taken), thing, round(alike[taken], 3))


def advice(
    likeness: float | None,
    side: ViewSide | None,
    aspects: tuple[float, float] | None,
    *,
    drawn: bool,
    rules: MatchRules = RULES,
) -> tuple[SuggestedAction, ...]:
    """What a person should look at.

    Args:
        likeness: of the thing to the session's; None where nothing was compared.
        side: the side that the photo shows.
        aspects: width to height of the thing, in the first photo and in this one; None where one is not known.
        drawn: True where a person drew its box: then nothing is refused.

    Raises:
        SubjectUnlike: the front or the back cannot have this shape.
    """
    found = [SIDE_ADVICE] if side is None else []
    if likeness is not None and likeness < rules.doubtful and side is not ViewSide.DETAIL:
        found.append(UNLIKE_ADVICE)
    if side in _SAME_OUTLINE and aspects is not None:
        factor = max(aspects) / min(aspects)
        if factor > rules.aspect_wrong and not drawn:
            raise SubjectUnlike(
                f"view {side!s} must show the subject about as wide and high as the first photo does: its width to "
                f"height is {aspects[1]:.2f} here and {aspects[0]:.2f} there, a factor of {factor:.1f}, and may differ "
                f"by {rules.aspect_wrong:g}. Turn the photo upright, name another side, or say where the subject is "
                "with bbox.",
                field="view",
            )
        if factor > rules.aspect_doubtful:
            found.append(ASPECT_ADVICE)
    return tuple(found)


def own_actions(actions: Iterable[SuggestedAction]) -> tuple[SuggestedAction, ...]:
    """Those that are not about the first photo."""
    return tuple(action for action in actions if action not in (SIDE_ADVICE, UNLIKE_ADVICE, ASPECT_ADVICE))


def aspect_of(box: Box, width: int, height: int) -> float:
    """Width to height of a box, by pixels of its photo."""
    return (box.x2 - box.x1) * width / ((box.y2 - box.y1) * height)
