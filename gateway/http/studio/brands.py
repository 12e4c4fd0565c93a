"""``/brands``: choices of a customer that are saved under a name."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.orders.outside import Outside
from gateway.http.plumbing.answers import API_HEADERS, json_answer
from gateway.http.plumbing.calls import Form, Parameter, call
from gateway.http.plumbing.gate import Gate
from gateway.http.studio import upload
from gateway.http.studio.receiving import Receiving
from gateway.jobs import ports
from gateway.jobs.branding import Logo
from gateway.jobs.brands import Brand
from gateway.jobs.records import ApiKey, Background
from gateway.links import FileLinks
from gateway.results import background_of
from lensora.adapters.artifacts import ArtifactStore
from lensora.contract import brands as schemas
from lensora.contract.shapes import moment
from lensora.core.artifacts import SUFFIX, Artifact, MediaType
from lensora.core.branding import LogoPlace
from lensora.core.errors import (
    Conflict,
    FileNotFound,
    InvalidBackground,
    InvalidImage,
    InvalidRequest,
    LensoraError,
    NotFound,
    Overloaded,
    Unavailable,
)
from lensora.imaging.png_logo import MAX_LOGO_BYTES, check_logo, too_large

LINK_S = 3600
"""A link to a brand's own picture holds so long: lists are asked for again."""

FILE = upload.FileField("logo", MAX_LOGO_BYTES, too_large, field_bytes=schemas.MAX_BRAND_BYTES)

NAME = Parameter("name", "path", {"type": "string", "pattern": schemas.WRITTEN_NAME_PATTERN}, "Of a brand.")


@dataclass(frozen=True, slots=True)
class BrandCalls:
    """Handlers."""

    gate: Gate
    brands: ports.Brands
    outside: Outside
    artifacts: ArtifactStore
    files: FileLinks
    receiving: Receiving
    clock: Callable[[], float] = time.time

    @call(
        "POST",
        "/v1/studio/brands",
        name="save_brand",
        summary="Save choices under a name",
        description="Free. In place of a brand of the same name. Without a file such a brand's logo stays as it is; "
        "without logo in brand it goes.",
        form=Form(
            {
                "name": {
                    "type": "string",
                    "pattern": schemas.WRITTEN_NAME_PATTERN,
                    "description": "What the brand is called; capital letters are taken for small ones.",
                },
                "brand": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": "A JSON object with any of background, aspect, camera_preset, "
                    "logo: {corner, size} and end_color.",
                },
                "logo": {
                    "type": "string",
                    "format": "binary",
                    "contentMediaType": "application/octet-stream",
                    "description": "PNG, at most 2 MB and 8 megapixels, 16 to 4,096 px on each side.",
                },
            },
            required=("name",),
        ),
        answer=schemas.Brand,
        errors=(InvalidRequest, InvalidBackground, InvalidImage, Conflict, Overloaded),
    )
    async def save(self, request: Request) -> Response:
        """POST /v1/studio/brands."""
        key = await self.gate.admit(request)
        upload.check_length(request.headers.get("content-length"))
        async with self.receiving.place(key.account_id) as arrival:
            form = await self.receiving.form(request, arrival, ("name", "brand"), FILE)
            async with self.receiving.work(key.account_id):
                return json_answer(self._answer(await self._save(key, form)))

    @call(
        "GET",
        "/v1/studio/brands",
        name="brands",
        summary="The brands of this key",
        answer=schemas.BrandList,
    )
    async def index(self, request: Request) -> Response:
        """GET /v1/studio/brands."""
        key = await self.gate.admit(request)
        found = await self.brands.list(key.key_id)
        return json_answer(schemas.BrandList(brands=tuple(self._answer(one) for one in found)))

    @call(
        "GET",
        "/v1/studio/brands/{name}",
        name="brand",
        summary="One brand",
        parameters=(NAME,),
        answer=schemas.Brand,
        errors=(NotFound,),
    )
    async def show(self, request: Request) -> Response:
        """GET /v1/studio/brands/{name}."""
        key = await self.gate.admit(request)
        return json_answer(self._answer(await self.brands.get(key.key_id, _name(request))))

    @call(
        "DELETE",
        "/v1/studio/brands/{name}",
        name="delete_brand",
        summary="Delete a brand",
        description="Jobs that were ordered with it are not touched: they have its choices.",
        parameters=(NAME,),
        errors=(NotFound,),
        responses={"204": {"description": "It is deleted."}},
    )
    async def delete(self, request: Request) -> Response:
        """DELETE /v1/studio/brands/{name}."""
        key = await self.gate.admit(request)
        await self.brands.delete(key, _name(request))
        return Response(status_code=204, headers=API_HEADERS)

    async def _save(self, key: ApiKey, form: upload.Form) -> Brand:
        """Check all of it, store the files of a new version, and let it take the old one's place."""
        name = schemas.parse_name(form.fields.get("name"))
        body = schemas.parse_brand(form.fields.get("brand"))
        brand = Brand(
            name, str(uuid.uuid4()), aspect=body.aspect, camera=body.camera_preset, end_color=body.end_color or ""
        )
        stored: list[str] = []
        try:
            brand = replace(
                brand,
                logo=await self._logo(key, brand, form.file, body.logo, stored),
                background=await self._background(key, brand, body, stored),
            )
            return await self.brands.save(key, brand)
        except LensoraError as error:
            # It may be saved even when the answer is lost: then the sweeper decides about the files.
            if not isinstance(error, Unavailable):
                await self.artifacts.delete_async(stored)
            raise

    async def _logo(
        self, key: ApiKey, brand: Brand, given: bytes | None, body: schemas.LogoBody | None, stored: list[str]
    ) -> Logo | None:
        """The version's own copy of a logo. Raises InvalidImage, InvalidRequest."""
        if given is None and body is None:
            return None
        place = LogoPlace(body.corner, body.size) if body is not None else LogoPlace(schemas.LogoBody().corner)
        if given is None:
            replaced = await self._before(key, brand.name)
            before = None if replaced is None else replaced.logo
            if before is None:
                raise InvalidRequest(
                    "logo is required as a file of the form, a PNG, where brand.logo says where it lies.", field="logo"
                )
            picture = await self._copied(before.picture, brand, "logo", stored)
            return Logo(picture, before.width, before.height, place)
        width, height = await asyncio.get_running_loop().run_in_executor(self.receiving.pictures, check_logo, given)
        name = f"brands/{brand.version}/logo.png"
        picture = await self.receiving.stored(self.artifacts, name, given, MediaType.PNG)
        stored.append(name)
        return Logo(picture, width, height, place)

    async def _before(self, key: ApiKey, name: str) -> Brand | None:
        """The brand that is about to be replaced."""
        try:
            return await self.brands.get(key.key_id, name)
        except NotFound:
            return None

    async def _background(
        self, key: ApiKey, brand: Brand, body: schemas.BrandBody, stored: list[str]
    ) -> Background | None:
        """The background, with a copy of an uploaded picture. Raises InvalidBackground, Unavailable."""
        if body.background is None:
            return None
        before = await self._before(key, brand.name)
        old = None if before is None else before.background
        given = getattr(body.background, "backplate_id", None)
        # The upload is kept for a day, the brand's own copy for as long as the brand.
        same = old is not None and given is not None and old.backplate_id == given
        background = old if same and old is not None else await self.outside.background(key, body.background)
        if background.picture is None:
            return background
        return replace(background, picture=await self._copied(background.picture, brand, "background", stored))

    async def _copied(self, picture: Artifact, brand: Brand, name: str, stored: list[str]) -> Artifact:
        """A picture under the version's own prefix. Raises InvalidRequest where it has gone meanwhile."""
        try:
            data = await self.artifacts.get_async(picture)
        except FileNotFound as error:
            raise InvalidRequest(
                f"brand.{name} names a picture that is no longer kept.", field=f"brand.{name}"
            ) from error
        path = f"brands/{brand.version}/{name}{SUFFIX[MediaType(picture.media_type)]}"
        copy = await self.artifacts.put_async(path, data, picture.media_type)
        stored.append(path)
        return copy

    def _answer(self, brand: Brand) -> schemas.Brand:
        until = int(self.clock()) + LINK_S
        told: dict[str, object] = {}
        if brand.background is not None:
            told["background"] = background_of(brand.background)
            if brand.background.picture is not None:
                picture = brand.background.picture
                told["picture_url"] = self.files.of(picture, f"background.{picture.uri.rsplit('.', 1)[-1]}", until)
        if brand.logo is not None:
            logo = brand.logo
            told["logo"] = schemas.BrandLogo(
                logo_url=self.files.of(logo.picture, "logo.png", until),
                width=logo.width,
                height=logo.height,
                corner=logo.place.corner,
                size=logo.place.size,
            )
        named = {"aspect": brand.aspect, "camera_preset": brand.camera, "end_color": brand.end_color}
        told |= {name: value for name, value in named.items() if value}
        return schemas.Brand.model_validate({"name": brand.name, "saved_at": moment(brand.saved_ms), **told})


def _name(request: Request) -> str:
    return str(request.path_params["name"]).strip(" ").lower()
