"""Every kind of shape, in the order in which ties are decided."""

from __future__ import annotations

from services.mesh.kinds import Kind
from services.mesh.kinds.box import Box
from services.mesh.kinds.field import Field
from services.mesh.kinds.inflation import Inflation
from services.mesh.kinds.tiered import Tiered
from services.mesh.kinds.turned import Turned

KINDS: tuple[Kind, ...] = (Inflation(), Box(), Turned(), Tiered(), Field())
