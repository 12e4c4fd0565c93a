"""What ``python -m quality.detection`` fitted; not edited by hand.

On 154 scenes of the tune part. On 50 scenes of the unseen part:

- before: recall 0.902 (46 of 51), precision 0.807 (46 of 57), first right 33 of 35, nothing on 13 of 15 empty
- after: recall 0.902 (46 of 51), precision 0.939 (46 of 49), first right 35 of 35, nothing on 15 of 15 empty
- names: 19 of 20 names right for 86 things of the corpus
- pairs: 9 of 10 pairs, 0 of 36 other neighbours taken for one
- doubt: 7 of 10 flagged wrong, 16 of 72 others wrong

The least chance alone, on 107 scenes of the tune part. On 81 of the unseen part:

- 0.38: recall 0.753 (64 of 85), precision 0.853 (64 of 75), first right 44 of 50, nothing on 29 of 31 empty
- 0.46: recall 0.753 (64 of 85), precision 0.889 (64 of 72), first right 44 of 50, nothing on 31 of 31 empty
"""

from __future__ import annotations

from services.detect.doubt import Doubt
from services.detect.ranking import Ranking

RANKING = Ranking(
    weights=(
        -1.8852,
        0.5006,
        0.2263,
        0.8261,
        1.4899,
        2.4954,
        -5.1146,
        1.3921,
        0.2085,
        -1.3259,
        0.0354,
        -0.6334,
        0.2981,
        0.35,
        0.1012,
        -0.9883,
        0.0,
        0.8451,
        -1.1287,
        -0.8539,
        0.0297,
        0.6824,
    ),
    least=0.46,
)

NAME_SURE = 0.5
"""Probability under which a thing is called by its category's word."""

ALIKE = 0.63
"""Likeness of colours from which two neighbours are a pair."""

DOUBT = Doubt(
    weights=(0.5466, 1.1883, 1.4304, -4.3982, -0.8083),
    least=0.79,
)
