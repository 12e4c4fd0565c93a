"""Server-sent events: lines to events (WHATWG HTML, section 9.2), as far as the API uses them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its ``id`` (empty when none was sent) and its data."""

    event_id: str
    data: str


class EventParser:
    """Fed with lines without their ends; gives an event at each blank line that ends one."""

    def __init__(self) -> None:
        self._event_id = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Event | None:
        """Take one line; the event that it ends, if any. Comments (heartbeats) and unknown fields are passed over."""
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
