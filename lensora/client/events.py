"""Server-sent events: text to events (WHATWG HTML, section 9.2), as far as the API uses them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its ``id`` (empty when none was sent) and its data."""

    event_id: str
    data: str


class EventParser:
    """Fed with pieces of a stream; gives an event at each blank line that ends one.

    A line ends at a line feed alone: a prompt may hold what else splits lines, such as U+2028.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._event_id = ""
        self._data: list[str] = []

    def feed(self, text: str) -> Iterator[Event]:
        """The events that end in a piece of any length. Comments (heartbeats) and unknown fields are passed over."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            event = self._take(line.removesuffix("\r"))
            if event is not None:
                yield event

    def _take(self, line: str) -> Event | None:
        if line == "":
            data, self._data = self._data, []
            return Event(self._event_id, "\n".join(data)) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\x00" not in value:
            self._event_id = value
        return None
