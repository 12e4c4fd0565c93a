"""From a body of /transform to an order: everything that it says is checked, and nothing is charged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request

from gateway.http.orders.brands import Brands, Look
from gateway.http.orders.choices import choice_of
from gateway.http.orders.output import events_of
from gateway.http.orders.outside import Outside
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.identifiers import session_id_of
from gateway.jobs import ports
from gateway.jobs.photos import KeptView, OrderedFrame, OrderedView
from gateway.jobs.records import ApiKey, KeptCutout, Order, Session
from lensora.contract import requests as schemas
from lensora.core.errors import InvalidRequest
from lensora.observability import traces


@dataclass(frozen=True, slots=True)
class Ordering:
    """Checks bodies against what the store has."""

    sessions: ports.Sessions
    cutouts: ports.Cutouts
    views: ports.Views
    outside: Outside
    brands: Brands

    async def order(
        self,
        request: Request,
        key: ApiKey,
        body: schemas.TransformBody,
        *,
        look: Look | None = None,
        known: set[str] | None = None,
    ) -> Order:
        """What the body asks for.

        Args:
            request: whose id and span go with the job.
            key: of the caller.
            body: as it was sent.
            look: the body's, where it has been found before.
            known: hosts of deliveries that were looked up for the same request.

        Raises:
            InvalidRequest, InvalidBackground, ObjectIndexOutOfRange, CropTooSmall: what the body says.
            SessionNotFound, CutoutNotFound: what it names.
        """
        session = await self.sessions.get(key.key_id, session_id_of(body.session_id))
        cutout = await self._cutout(key, session, body)
        choice = cutout.choice if cutout is not None else choice_of(session, body)
        look = look or await self.brands.look(key, body)
        return Order(
            session_id=session.session_id,
            object_index=choice.object_index,
            label=choice.label,
            category=choice.category,
            photo=session.photo,
            photo_width=session.width,
            photo_height=session.height,
            box=choice.box,
            points=choice.points,
            cutout=cutout.artifact if cutout is not None else None,
            cutout_models=cutout.models if cutout is not None else (),
            background=look.background,
            camera=look.camera,
            output=look.output,
            branding=look.branding,
            webhook_url=await self.outside.webhook(key, body.webhook_url),
            webhook_events=events_of(body.webhook_url, body.webhook_events),
            deliver_to=await self.outside.delivery(key, body.deliver_to, known),
            session_models=session.models,
            test=key.test,
            real_size=body.real_size,
            views=await self._views(key, session),
            request_id=exchange_of(request).request_id,
            traceparent=traces.carrier().get("traceparent", ""),
        )

    async def _views(self, key: ApiKey, session: Session) -> tuple[OrderedView, ...]:
        """Every further photo of the session, as it is now, and every picture of its film."""
        kept = await self.views.list(key.key_id, session.session_id)
        return tuple(ordered for view in kept for ordered in (_photo(view) if view.film is None else _film(view)))

    async def _cutout(self, key: ApiKey, session: Session, body: schemas.TransformBody) -> KeptCutout | None:
        """The cutout that the body names. Raises CutoutNotFound; InvalidRequest where it names a thing beside it."""
        if body.cutout_id is None:
            return None
        for name in ("object_index", "bbox", "points"):
            if name in body.model_fields_set:
                raise InvalidRequest(
                    f"{name} must not be given with cutout_id {body.cutout_id[:40]!r}, which is used as it is.",
                    field=name,
                )
        return await self.cutouts.get(key.key_id, session.session_id, body.cutout_id)


def _photo(view: KeptView) -> Iterator[OrderedView]:
    yield OrderedView(
        view_id=view.view_id,
        side=view.side,
        photo=view.photo,
        photo_width=view.width,
        photo_height=view.height,
        box=view.box,
        points=view.choice.points,
        models=view.models,
    )


def _film(view: KeptView) -> Iterator[OrderedView]:
    film = view.film
    assert film is not None
    for number, frame in enumerate(film.frames):
        yield OrderedView(
            view_id=view.view_id,
            side=None,
            photo=frame.photo,
            photo_width=frame.width,
            photo_height=frame.height,
            box=frame.box,
            models=view.models,
            frame=OrderedFrame(number, frame.share, film.direction),
        )
