"""The sync client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from lensora.client import exchange, requests
from lensora.client.batches import Batches
from lensora.client.events import EventParser
from lensora.client.requests import Background, Job, Photo, PointMark, Request
from lensora.client.saving import whole
from lensora.client.watch import Watch
from lensora.contract.answers import (
    Account,
    Backplate,
    Cancellation,
    Cutout,
    JobPage,
    JobTicket,
    LedgerPage,
    Output,
    Prices,
    Quote,
    Result,
    Session,
    Share,
    WebhookSecret,
)
from lensora.contract.brands import Brand, BrandList
from lensora.contract.views import View, ViewList
from lensora.core.errors import LensoraError
from lensora.core.words import CameraMove, ViewSide


class Client:
    """Talks to one installation with one API key. Use as a context manager, or call ``close``.

    Every method raises the errors of ``lensora.core.errors``. What the server or the network could not take is tried
    again a few times, with pauses; both POSTs carry an Idempotency-Key, so nothing is charged twice.
    """

    def __init__(self, base_url: str, api_key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """
        Args:
            base_url: such as ``http://127.0.0.1:8000``. ConfigurationError is raised for one that is no address.
            api_key: sent to ``base_url`` only; links open without it. Unauthorized is raised for one that is no key.
            transport: another way to send, for tests.
        """
        self._base_url = exchange.base_of(base_url)
        self._api_key = exchange.usable(api_key)
        self._http = httpx.Client(timeout=exchange.timeouts(), transport=transport)
        self.batches = Batches(self._json, self._save)
        """Films of many photos at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def init(self, photo: Photo, max_objects: int | None = None, *, idempotency_key: str | None = None) -> Session:
        """Upload a photo (a path, bytes, or an open binary file) and find the things in it. 5 credits."""
        return exchange.read(Session, self._json(requests.init(photo, max_objects, idempotency_key)))

    def add_view(
        self,
        session_id: str,
        photo: Photo,
        view: ViewSide | str | None = None,
        *,
        object_index: int | None = None,
        bbox: Sequence[float] | None = None,
        points: Sequence[PointMark] | None = None,
        idempotency_key: str | None = None,
    ) -> View:
        """Add a further photo of the subject, up to five, so that the model is true on more sides. 2 credits.

        Args:
            session_id: of ``init``.
            photo: a path, bytes, or an open binary file.
            view: the side that it shows: front, back, left, right, top or detail. A photo without is
                used only where its side is clear, which is seldom.
            object_index: which of the session's objects it shows; any of them where it is not given.
            bbox: a box of your own around the subject in this photo, (x1, y1, x2, y2) in fractions.
            points: places of this photo that belong to the subject and places that do not, at most 32.
            idempotency_key: a key of the caller's, so that a repeat of this call gives the same view.
        """
        which = requests.choice(None, bbox, points)
        request = requests.add_view(session_id, photo, view, object_index, which, idempotency_key)
        return exchange.read(View, self._json(request))

    def add_turn(
        self,
        session_id: str,
        video: Photo,
        *,
        object_index: int | None = None,
        idempotency_key: str | None = None,
    ) -> View:
        """Add a film of the subject turning once, from the front on, in place of photos of its sides. 10 credits.

        Args:
            session_id: of ``init``.
            video: MP4 or MOV, 3 to 15 seconds, at most 20 MB: a path, bytes, or an open binary file.
            object_index: which of the session's objects it shows; any of them where it is not given.
            idempotency_key: a key of the caller's, so that a repeat of this call gives the same view.
        """
        request = requests.add_turn(session_id, video, object_index, idempotency_key)
        return exchange.read(View, self._json(request))

    def views(self, session_id: str) -> tuple[View, ...]:
        """The further photos of a session, in the order in which they were added."""
        return exchange.read(ViewList, self._json(requests.views(session_id))).views

    def change_view(
        self,
        session_id: str,
        view_id: str,
        *,
        view: ViewSide | str | None = None,
        bbox: Sequence[float] | None = None,
        points: Sequence[PointMark] | None = None,
    ) -> View:
        """Correct a further photo's side ("" for one that nobody knows), box or points. Free."""
        request = requests.change_view(session_id, view_id, view, requests.choice(None, bbox, points))
        return exchange.read(View, self._json(request))

    def delete_view(self, session_id: str, view_id: str) -> None:
        """Take a further photo out of the session; nothing comes back."""
        self._json(requests.delete_view(session_id, view_id))

    def cutout(
        self,
        session_id: str,
        *,
        object_index: int | None = None,
        bbox: Sequence[float] | None = None,
        points: Sequence[PointMark] | None = None,
        idempotency_key: str | None = None,
    ) -> Cutout:
        """Make the cutout alone, to look at before the film. 5 credits; the arguments are those of ``transform``."""
        which = requests.choice(object_index, bbox, points)
        return exchange.read(Cutout, self._json(requests.cutout(session_id, which, idempotency_key)))

    def transform(
        self,
        session_id: str,
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        object_index: int | None = None,
        bbox: Sequence[float] | None = None,
        points: Sequence[PointMark] | None = None,
        cutout_id: str | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        webhook_events: Sequence[str] | None = None,
        deliver_to: Mapping[str, Any] | None = None,
        real_height_cm: float | None = None,
        real_width_cm: float | None = None,
        real_depth_cm: float | None = None,
        idempotency_key: str | None = None,
    ) -> JobTicket:
        """Start a job. 75 credits, returned if it fails.

        Args:
            session_id: of ``init``.
            background: ``remove()``, ``image(url)``, ``prompt(text)`` or ``color("#1f5c57")``; or words: ``remove``, a
                colour, a URL, a description. May be left out where the brand has one.
            brand: name of a brand whose choices hold where this call makes none.
            object_index: index into the session's objects, 0 when nothing else says what is meant.
            bbox: a box of your own, (x1, y1, x2, y2) in fractions, in place of ``object_index``.
            points: places that belong to the subject and places that do not, at most 32.
            cutout_id: of ``cutout``: used as it is, in place of the three above.
            camera_preset: turntable, dolly or cinematic; turntable when neither this call nor the brand says.
            output: further choices of size, length and formats.
            webhook_url: is called when the job ends.
            webhook_events: which events to call for.
            deliver_to: name of a file (``mp4``, ``glb``, ``scene``, ...) to a presigned PUT URL of your own storage.
            real_height_cm: the thing's true height; the model's files are made at this size.
            real_width_cm: its width from the front, in place of its height.
            real_depth_cm: its depth from front to back, in place of its height.
            idempotency_key: a key of the caller's, so that a repeat of this call gives the same job.
        """
        request = requests.transform(
            session_id,
            background,
            which=requests.choice(object_index, bbox, points, cutout_id),
            size=requests.size(real_height_cm, real_width_cm, real_depth_cm),
            brand=brand,
            camera_preset=camera_preset,
            output=output,
            webhook_url=webhook_url,
            webhook_events=webhook_events,
            deliver_to=deliver_to,
            idempotency_key=idempotency_key,
        )
        return exchange.read(JobTicket, self._json(request))

    def quote(
        self,
        session_id: str,
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        object_index: int | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
    ) -> Quote:
        """What a job with these choices would cost, and how long it would take. Free."""
        order = requests.transform(
            session_id,
            background,
            which=requests.choice(object_index, None, None),
            size={},
            brand=brand,
            camera_preset=camera_preset,
            output=output,
            webhook_url=None,
            webhook_events=None,
            deliver_to=None,
            idempotency_key=None,
        )
        return exchange.read(Quote, self._json(requests.quote_for(order)))

    def result(self, job: Job, *, wait: int | None = None) -> Result:
        """The job's state; with ``wait`` (1-60 seconds) the server answers when it changes or the time is over."""
        return exchange.read(Result, self._json(requests.result(requests.job_id_of(job), wait)))

    def stream(self, job: Job) -> Iterator[Result]:
        """The job's states as they change, up to its end; a broken connection is resumed."""
        job_id = requests.job_id_of(job)
        last_id: str | None = None
        watch = Watch[Result](f"Job {job_id}", None)
        while True:
            try:
                for event_id, result in self._events(job_id, last_id):
                    last_id = event_id or last_id
                    if watch.is_new(result):
                        yield result
                    if result.terminal:
                        return
            except LensoraError as error:
                watch.failed(error)
            time.sleep(requests.WATCH_PAUSE_S)

    def wait(
        self,
        job: Job,
        on_progress: Callable[[Result], None] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Result:
        """Wait until the job has ended, and return its last state, failed or not.

        Args:
            job: its id, ticket or an earlier result.
            on_progress: called with each new state, the last one included.
            timeout_s: seconds to wait at most.

        A server that is away for a minute is waited for.

        Raises:
            DeadlineExceeded: the job still runs after ``timeout_s``.
            Unavailable: the server is away, for a minute or when the time is over.
        """
        job_id = requests.job_id_of(job)
        watch = Watch[Result](f"Job {job_id}", timeout_s)
        while True:
            try:
                poll = watch.bounded(requests.result(job_id, watch.hold_s()))
                result = exchange.read(Result, self._json(poll))
            except LensoraError as error:
                watch.failed(error)
                time.sleep(requests.WATCH_PAUSE_S)
                continue
            if watch.is_new(result) and on_progress is not None:
                on_progress(result)
            if result.terminal:
                return result
            watch.check(result)

    def cancel(self, job: Job) -> Cancellation:
        """Stop a job and get its credits back; a job that has ended stays as it is."""
        return exchange.read(Cancellation, self._json(requests.cancel(requests.job_id_of(job))))

    def backplate(self, picture: Photo) -> Backplate:
        """Upload a background picture, kept for a day: ``background=uploaded(backplate.backplate_id)``. Free."""
        return exchange.read(Backplate, self._json(requests.backplate(picture)))

    def prices(
        self,
        *,
        size: int | None = None,
        aspect: str | None = None,
        fps: int | None = None,
        seconds: float | None = None,
    ) -> Prices:
        """What calls and files cost, and how large files usually are, for a film like this. Free."""
        return exchange.read(Prices, self._json(requests.prices(size, aspect, fps, seconds)))

    def save_brand(
        self,
        name: str,
        *,
        background: Background | str | None = None,
        aspect: str | None = None,
        camera_preset: CameraMove | str | None = None,
        logo: Photo | None = None,
        logo_place: Mapping[str, Any] | None = None,
        end_color: str | None = None,
    ) -> Brand:
        """Save choices under a name, in place of a brand of that name. Free.

        Args:
            name: for ``brand`` of ``transform``.
            background: as there.
            aspect: ``1:1``, ``4:5``, ``9:16`` or ``16:9``.
            camera_preset: the camera's move.
            logo: a PNG (a path, bytes, or an open binary file); a brand that is saved again keeps its own.
            logo_place: ``corner`` and ``size`` of the logo.
            end_color: ``#rrggbb``, which the film's last second fades to.
        """
        choices = {
            "background": background,
            "aspect": aspect,
            "camera_preset": camera_preset,
            "logo": None if logo_place is None else dict(logo_place),
            "end_color": end_color,
        }
        return exchange.read(Brand, self._json(requests.save_brand(name, choices, logo)))

    def brands(self) -> BrandList:
        """Every brand of this key."""
        return exchange.read(BrandList, self._json(requests.brands()))

    def brand(self, name: str) -> Brand:
        """One brand."""
        return exchange.read(Brand, self._json(requests.brand(name)))

    def delete_brand(self, name: str) -> None:
        """Delete a brand; jobs that were ordered with it are not touched."""
        self._json(requests.delete_brand(name))

    def session(self, session_id: str) -> Session:
        """A session that is kept: what ``init`` answered, for nothing."""
        return exchange.read(Session, self._json(requests.session(session_id)))

    def share(self, job: Job, *, hours: float = 168.0, downloads: bool = True, listed: bool = False) -> Share:
        """Show a completed job to whoever has the link, or change how."""
        request = requests.share(requests.job_id_of(job), hours, downloads, listed)
        return exchange.read(Share, self._json(request))

    def unshare(self, job: Job) -> None:
        """Take the link back."""
        self._json(requests.unshare(requests.job_id_of(job)))

    def delete(self, job: Job) -> None:
        """Delete a job that has ended, and its files. Raises Conflict for one that lives: cancel it first."""
        self._json(requests.delete(requests.job_id_of(job)))

    def render(
        self,
        job: Job,
        *,
        camera_preset: CameraMove | str | None = None,
        background: Background | str | None = None,
        output: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> JobTicket:
        """Film a finished job's mesh again with another camera or background, for a smaller price."""
        changes = requests.render_changes(camera_preset, background, output)
        return exchange.read(JobTicket, self._json(requests.render(requests.job_id_of(job), changes, idempotency_key)))

    def jobs(self, *, status: str | None = None, cursor: str | None = None, limit: int | None = None) -> JobPage:
        """The jobs of this key, newest first."""
        return exchange.read(JobPage, self._json(requests.jobs(status, cursor, limit)))

    def account(self) -> Account:
        """Balance and limits."""
        return exchange.read(Account, self._json(requests.account()))

    def ledger(self, *, cursor: str | None = None, limit: int | None = None) -> LedgerPage:
        """Movements of credits, newest first."""
        return exchange.read(LedgerPage, self._json(requests.ledger(cursor, limit)))

    def webhook_secret(self) -> str:
        """The secret that signs this account's webhooks, for ``webhooks.verify``."""
        return exchange.read(WebhookSecret, self._json(requests.webhook_secret())).secret

    def rotate_webhook_secret(self) -> str:
        """A new secret; the one before goes on signing beside it for a day. It is never sent twice."""
        return exchange.read(WebhookSecret, self._json_once(requests.rotate_webhook_secret())).secret

    def download(self, job: Job | Output, folder: str | Path) -> dict[str, Path]:
        """Save every file of a finished job.

        Args:
            job: its id, ticket or a result; or a result's ``output``.
            folder: made where it is missing.

        Returns:
            Paths by ``mp4``, ``glb``, ``scene``, ``removed_bg``, and what else was asked for.

        Raises:
            ValueError: the job has not completed; ``wait`` first.
        """
        found = requests.output_of(job)
        if found is None and not isinstance(job, Output):
            found = self.result(job).output
        if found is None:
            raise ValueError("the job has no output: it has not completed")
        into = Path(folder)
        into.mkdir(parents=True, exist_ok=True)
        paths = {}
        for name, url in found.urls().items():
            paths[name] = into / requests.file_name(url, name)
            self._save(url, paths[name])
        return paths

    def _save(self, url: str, path: Path) -> None:
        tries = exchange.Tries()
        while True:
            try:
                return self._save_once(url, path)
            except LensoraError as error:
                time.sleep(tries.pause_s(error))

    def _save_once(self, url: str, path: Path) -> None:
        try:
            with self._http.stream("GET", url, headers={"User-Agent": exchange.USER_AGENT}) as response:
                if not response.is_success:
                    raise exchange.error_from(response.status_code, response.headers, response.read())
                with whole(path) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
        except httpx.HTTPError as error:
            raise exchange.unreachable(self._base_url, error) from error

    def _events(self, job_id: str, last_id: str | None) -> Iterator[tuple[str, Result]]:
        built = self._http.build_request(
            **exchange.sent(self._base_url, self._api_key, requests.stream(job_id, last_id))
        )
        parser = EventParser()
        try:
            response = self._http.send(built, stream=True)
            try:
                if not response.is_success:
                    raise exchange.error_from(response.status_code, response.headers, response.read())
                for text in response.iter_text():
                    for event in parser.feed(text):
                        yield event.event_id, exchange.read(Result, json.loads(event.data))
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise exchange.unreachable(self._base_url, error) from error

    def _json(self, request: Request) -> Mapping[str, Any]:
        tries = exchange.Tries(request)
        while True:
            try:
                return self._json_once(request)
            except LensoraError as error:
                if tries.has_happened(error):
                    return {}
                time.sleep(tries.pause_s(error))

    def _json_once(self, request: Request) -> Mapping[str, Any]:
        try:
            response = self._http.request(**exchange.sent(self._base_url, self._api_key, request))
        except httpx.HTTPError as error:
            raise exchange.unreachable(self._base_url, error) from error
        return exchange.parsed(response)
