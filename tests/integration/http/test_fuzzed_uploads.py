"""Changed files over real HTTP."""

from __future__ import annotations

from collections import Counter

import httpx

from gateway.http.testing import Gateway
from lensora.testing.mutation import mutated

COUNT = 200


def test_a_changed_file_is_taken_or_refused_with_a_reason(gateway: Gateway) -> None:
    """200 or 400 with a sentence, never a 5xx, never over 5 s; refusals cost nothing."""
    key = gateway.api_key(2_000)
    statuses: Counter[int] = Counter()
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=5.0) as api:
        for data in mutated(COUNT, seed=1):
            answer = api.post(f"{gateway.base_url}/v1/studio/init", files={"image": ("photo.jpg", data)})
            statuses[answer.status_code] += 1
            assert answer.status_code in (200, 400), answer.text
            if answer.status_code == 400:
                assert answer.json()["code"] in ("invalid_image", "invalid_request")
                assert len(answer.json()["detail"]) > 20
    assert statuses[200] and statuses[400]
    assert gateway.balance(key) == 2_000 - 5 * statuses[200]
