"""USDZ with a text layer, where usd-core is not installed.

The same stage as ``services.mesh.usdz`` writes, in USD's text form (``.usda``). AR Quick Look opens it: three.js and
model-viewer write such packages for Apple's devices. Apple's own checker asks for a binary layer, which usd-core has.
"""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
from numpy.typing import NDArray

from services.mesh.model import Model

TEXTURE = "base_color.jpg"

ALIGNMENT = 64
"""Bytes; each file's data starts at a multiple (the USDZ specification, "Layout")."""

_PADDING_FIELD = 0x1986
"""Of a ZIP entry's extra field: the id that USD's own writer gives its padding."""

_HEADER_BYTES = 30
_FIELD_HEADER_BYTES = 4

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Archives carry no clock: the same model gives the same bytes."""


def package(model: Model) -> bytes:
    """The model as USDZ: the layer first, then its texture, uncompressed and aligned."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (("model.usda", layer(model).encode()), (TEXTURE, model.texture_jpeg)):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            start = buffer.tell() + _HEADER_BYTES + len(name) + _FIELD_HEADER_BYTES
            padding = -start % ALIGNMENT
            entry.extra = _PADDING_FIELD.to_bytes(2, "little") + padding.to_bytes(2, "little") + bytes(padding)
            archive.writestr(entry, data)
    return buffer.getvalue()


def layer(model: Model) -> str:
    """The USD layer: /Model (component) with a mesh and a UsdPreviewSurface; Y up, metres."""
    surface = model.surface
    low, high = surface.positions.min(axis=0), surface.positions.max(axis=0)
    return f"""#usda 1.0
(
    defaultPrim = "Model"
    metersPerUnit = 1
    upAxis = "Y"
)

def Xform "Model" (
    assetInfo = {{
        string name = {_quoted(model.name)}
    }}
    kind = "component"
)
{{
    def Mesh "Mesh" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {{
        uniform bool doubleSided = 0
        float3[] extent = {_tuples(np.array([low, high]))}
        int[] faceVertexCounts = [{", ".join(["3"] * len(surface.faces))}]
        int[] faceVertexIndices = [{", ".join(map(str, surface.faces.ravel().tolist()))}]
        rel material:binding = </Model/Material>
        normal3f[] normals = {_tuples(surface.normals)} (
            interpolation = "vertex"
        )
        point3f[] points = {_tuples(surface.positions)}
        texCoord2f[] primvars:st = {_tuples(surface.uvs * [1.0, -1.0] + [0.0, 1.0])} (
            interpolation = "vertex"
        )
        uniform token subdivisionScheme = "none"
    }}

    def Material "Material"
    {{
        token outputs:surface.connect = </Model/Material/Surface.outputs:surface>

        def Shader "Surface"
        {{
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </Model/Material/BaseColor.outputs:rgb>
            float inputs:metallic = {float(model.texture.metallic):.6g}
            float inputs:roughness = {float(model.texture.roughness):.6g}
            token outputs:surface
        }}

        def Shader "Coordinates"
        {{
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }}

        def Shader "BaseColor"
        {{
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @{TEXTURE}@
            token inputs:sourceColorSpace = "sRGB"
            float2 inputs:st.connect = </Model/Material/Coordinates.outputs:result>
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float3 outputs:rgb
        }}
    }}
}}
"""


def _quoted(text: str) -> str:
    """Text as USD writes it: UTF-8 as it is, where JSON has numbers; control characters as ``\\x`` and two digits."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", escaped) + '"'


def _tuples(rows: NDArray[np.floating]) -> str:
    """Rows of numbers as USD writes them, to a micrometre in a model of a metre."""
    row = "(" + ", ".join(["%.6g"] * rows.shape[1]) + ")"
    return "[" + ", ".join([row] * len(rows)) % tuple(rows.ravel().tolist()) + "]"
