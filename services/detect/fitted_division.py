"""What ``python -m quality.detection.division`` fitted; not edited by hand.

- tune: of 499 regions 36 hold two things; 21 are cut rightly, 5 wrongly, 0 of 79 in photographs of one thing
- unseen: of 354 regions 23 hold two things; 15 are cut rightly, 10 wrongly, 5 of 87 in photographs of one thing
"""

from __future__ import annotations

from services.detect.division import Divider

DIVIDER = Divider(
    weights=(-32.2245, -1.27, 9.7135, 6.1515, 5.9119, -4.2411, -6.8537, 4.9601, 25.9997, 1.8744),
    least=1.95,
)
