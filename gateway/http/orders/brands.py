"""A brand's choices in an order: they hold where the order says nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.http.orders.output import output_of
from gateway.http.orders.outside import Outside
from gateway.jobs import ports
from gateway.jobs.branding import Branding
from gateway.jobs.brands import Brand
from gateway.jobs.records import ApiKey, Background, OutputChoices
from lensora.contract import requests as schemas
from lensora.core.errors import InvalidRequest, NotFound
from lensora.core.words import CameraMove


@dataclass(frozen=True, slots=True)
class Look:
    """What a film looks like, by its order and its brand: values, so that the brand may change or go."""

    background: Background
    camera: CameraMove
    output: OutputChoices
    branding: Branding | None


@dataclass(frozen=True, slots=True)
class Brands:
    """Finds the look of an order before anything is charged."""

    brands: ports.Brands
    outside: Outside

    async def look(self, key: ApiKey, body: schemas.TransformBody) -> Look:
        """What is given explicitly wins over the brand's, field by field.

        Raises:
            InvalidRequest: there is no such brand, or neither it nor the body has a background.
            InvalidBackground, Unavailable: of ``Outside``.
        """
        output = output_of(body.output)
        if body.brand is None:
            assert body.background is not None
            return Look(await self.outside.background(key, body.background), body.camera_preset, output, None)
        brand = await self._brand(key, body.brand)
        given = body.model_fields_set
        camera = body.camera_preset if "camera_preset" in given else brand.camera or body.camera_preset
        if brand.aspect is not None and not ("output" in given and "aspect" in body.output.model_fields_set):
            output = replace(output, aspect=brand.aspect)
        branding = Branding(brand.name, brand.logo, brand.end_color)
        return Look(await self._background(key, body, brand), camera, output, branding)

    async def _brand(self, key: ApiKey, name: str) -> Brand:
        try:
            return await self.brands.get(key.key_id, name)
        except NotFound as error:
            raise InvalidRequest(
                f"brand {name[:40]!r} is not saved under this key: GET /v1/studio/brands lists those that are.",
                field="brand",
            ) from error

    async def _background(self, key: ApiKey, body: schemas.TransformBody, brand: Brand) -> Background:
        if body.background is not None:
            return await self.outside.background(key, body.background)
        if brand.background is None:
            raise InvalidRequest(
                f"background is required: the brand {brand.name!r} leaves it to each job.", field="background"
            )
        if brand.background.url:
            await self.outside.require_public(key, brand.background.url)
        return brand.background
