"""Further photos in the store: paid once, at most five, gone with their session."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest

from gateway.jobs.records import TURN_CREDITS, VIEW_CREDITS, Answer, ApiKey, IdempotencySlot, KeptAnswer, Session
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, do_stages, film_view, session, submit, take_one, view
from lensora.core.errors import IdempotencyInProgress, InsufficientCredits, SessionNotFound, TooManyViews, ViewNotFound
from lensora.core.words import ViewSide


async def opened(store: Store, balance: int = 100) -> tuple[ApiKey, Session]:
    """A customer with an open session."""
    key = await customer(store, balance)
    return key, await store.sessions.open(session(key))


async def test_a_view_comes_back_as_it_was_added(store: Store) -> None:
    """In the order of adding, for this key alone; a change is kept, and the charge is in the ledger."""
    key, made = await opened(store)
    views = [view(made, side) for side in (ViewSide.BACK, None)]
    for each in views:
        await store.views.add(each)
    assert await store.views.list(key.key_id, made.session_id) == tuple(views)
    assert await store.views.list("another", made.session_id) == ()
    changed = replace(views[0], side=ViewSide.LEFT, likeness=None)
    await store.views.change(changed)
    assert await store.views.get(key.key_id, made.session_id, changed.view_id) == changed
    assert await store.credits.balance(key.account_id) == 91
    entry = (await store.credits.ledger(key.account_id)).entries[0]
    assert (entry.amount, entry.memo, entry.reference) == (-2, "view", views[1].view_id)


async def test_adding_one_again_changes_nothing(store: Store) -> None:
    """A repeat after an answer that got lost, even when the session is full since then, is charged once."""
    key, made = await opened(store)
    views = [view(made) for _ in range(5)]
    for each in views:
        await store.views.add(each)
    await store.views.add(views[0])
    assert await store.credits.balance(key.account_id) == 95 - 10
    with pytest.raises(TooManyViews, match="5 further photos"):
        await store.views.add(view(made))
    assert await store.credits.balance(key.account_id) == 85


async def test_crowds_do_not_get_more_than_five(store: Store) -> None:
    """Of twenty at once five are kept and paid."""
    key, made = await opened(store)
    outcomes = await asyncio.gather(*(store.views.add(view(made)) for _ in range(20)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 5
    assert all(outcome is None or isinstance(outcome, TooManyViews) for outcome in outcomes)
    assert await store.credits.balance(key.account_id) == 85


async def test_what_cannot_be_added_is_not_charged(store: Store) -> None:
    """Too few credits, a session of another key or none, a slot that was lost, an id that was given up."""
    key, made = await opened(store, 6)
    with pytest.raises(InsufficientCredits, match="2 credits; the balance is 1"):
        await store.views.add(view(made))
    await store.credits.grant(key.account_id, 10, reference="more")
    for stranger in (replace(made, key_id="another"), replace(made, session_id=str(uuid.uuid4()))):
        with pytest.raises(SessionNotFound):
            await store.views.add(view(stranger))
    lost = KeptAnswer(IdempotencySlot(key.key_id, "digest", "a token that is not held"), Answer(200, "{}"))
    with pytest.raises(IdempotencyInProgress):
        await store.views.add(view(made), kept=lost)
    assert await store.credits.balance(key.account_id) == 11
    assert await store.views.list(key.key_id, made.session_id) == ()


async def test_one_that_was_given_up_is_paid_back_and_leaves_its_place(store: Store) -> None:
    """A photo and a film, whether or not the script had run: the client was told that nothing was charged."""
    key, made = await opened(store)
    kept, film, never, unseen = view(made), film_view(made), view(made), film_view(made)
    await store.views.add(kept)
    await store.views.add(film, price=TURN_CREDITS)
    assert await store.credits.balance(key.account_id) == 83
    for each in (kept, film, never, unseen):
        await store.scripts.repeat("void", "view", each.view_id, key.key_id, "", "", 60_000)
    assert await store.views.list(key.key_id, made.session_id) == ()
    assert await store.credits.balance(key.account_id) == 95
    for each, price in ((never, VIEW_CREDITS), (unseen, TURN_CREDITS)):
        with pytest.raises(Exception, match="taken back"):
            await store.views.add(each, price=price)
    await store.views.add(film_view(made), price=TURN_CREDITS)
    assert not (await store.credits.verify()).mismatches


async def test_views_go_with_their_session(store: Store) -> None:
    """Photos and films have its end; when it is over they can be neither read nor changed nor ordered."""
    key, made = await opened(store)
    both = (view(made), film_view(made))
    for each in both:
        await store.views.add(each)
    client: Any = store.scripts.client
    names = [store.scripts.key(name) for name in (f"views:{made.session_id}", *(f"view:{one.view_id}" for one in both))]
    session_ms = await client.pttl(store.scripts.key(f"session:{made.session_id}"))
    for name in names:
        assert 0 <= session_ms - await client.pttl(name) < 60_000
    await client.delete(store.scripts.key(f"session:{made.session_id}"), *names)
    for one in both:
        with pytest.raises(ViewNotFound):
            await store.views.get(key.key_id, made.session_id, one.view_id)
        with pytest.raises(ViewNotFound):
            await store.views.change(one)
        with pytest.raises(ViewNotFound):
            await store.views.remove(key.key_id, made.session_id, one.view_id)
    assert await store.views.list(key.key_id, made.session_id) == ()


async def test_a_customers_data_that_is_deleted_early_has_no_views_left(store: Store) -> None:
    """What deletes a job with its session deletes what is known of its further photos and its film, too."""
    key, made = await opened(store)
    for one in (view(made), film_view(made)):
        await store.views.add(one)
    job = await submit(store, key)
    work = store.work("w", lease_s=30.0, attempts=3, block_ms=50)
    claim = await take_one(work)
    await do_stages(work, claim)
    await work.finish(claim)
    assert await store.expiry.hasten(key.key_id, job.job_id, made.session_id)
    left = [name async for name in store.scripts.client.scan_iter(f"{store.scripts.prefix}view*")]
    assert left == []
    assert f"sessions/{made.session_id}" in {expired.prefix for expired in await store.expiry.due()}


async def test_a_session_has_one_film_at_most(store: Store) -> None:
    """It comes back as it was added, and is charged once; a second is refused until it is taken out."""
    key, made = await opened(store)
    film = film_view(made)
    for _ in range(2):
        await store.views.add(film, price=TURN_CREDITS)
    assert await store.views.list(key.key_id, made.session_id) == (film,)
    entry = (await store.credits.ledger(key.account_id)).entries[0]
    assert (entry.amount, entry.memo) == (-10, "turn")
    with pytest.raises(TooManyViews, match="has a film of a turn"):
        await store.views.add(film_view(made), price=TURN_CREDITS)
    await store.views.remove(key.key_id, made.session_id, film.view_id)
    outcomes = await asyncio.gather(
        *(store.views.add(film_view(made), price=TURN_CREDITS) for _ in range(6)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert await store.credits.balance(key.account_id) == 95 - 20
    assert not (await store.credits.verify()).mismatches
