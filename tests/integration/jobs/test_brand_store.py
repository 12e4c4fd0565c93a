"""Brands in the store: what is replaced or deleted is kept for a while, and counted."""

from __future__ import annotations

import pytest

from gateway.jobs.brands import MOST_BRANDS, MOST_VERSIONS, Brand
from gateway.jobs.store import Store
from gateway.jobs.testing import customer
from lensora.core.errors import Conflict, NotFound, RateLimited


async def test_saving_again_and_again_is_bounded(store: Store) -> None:
    """Each version's files are kept for jobs that may need them, so an account has a number of them at a time."""
    key = await customer(store, 0)
    for number in range(MOST_VERSIONS):
        await store.brands.save(key, Brand("shop", f"{key.account_id}-{number}"))
    with pytest.raises(RateLimited, match="200 saved brands") as caught:
        await store.brands.save(key, Brand("shop", "one-more"))
    assert 7 * 86_400 < (caught.value.retry_after_s or 0) < 8 * 86_400
    assert (await store.brands.get(key.key_id, "shop")).version == f"{key.account_id}-{MOST_VERSIONS - 1}"
    await store.brands.save(await customer(store, 0), Brand("shop", "another-account"))


async def test_live_brands_of_all_keys_are_bounded_too(store: Store) -> None:
    """None of them goes by itself, so waiting is no advice."""
    key = await customer(store, 0)
    keys = [key, *[(await store.keys.create(key.account_id))[0] for _ in range(MOST_VERSIONS // MOST_BRANDS)]]
    for number in range(MOST_VERSIONS):
        mine = keys[number // MOST_BRANDS]
        await store.brands.save(mine, Brand(f"brand-{number}", f"{key.account_id}-live-{number}"))
    with pytest.raises(Conflict, match="under all its keys"):
        await store.brands.save(keys[-1], Brand("one-more", "one-more-live"))


async def test_a_repeated_save_is_the_same_save(store: Store) -> None:
    """A command that is sent twice, because its answer got lost, retires nothing."""
    key = await customer(store, 0)
    first = await store.brands.save(key, Brand("shop", "v1", end_color="#000000"))
    assert await store.brands.save(key, Brand("shop", "v1", end_color="#000000")) == first
    assert await store.expiry.kept("brands", "v1")
    await store.brands.delete(key, "shop")
    with pytest.raises(NotFound):
        await store.brands.delete(key, "shop")
    assert await store.expiry.kept("brands", "v1")
