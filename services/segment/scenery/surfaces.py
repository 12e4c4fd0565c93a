"""The surfaces that a prompt can name. Each is evaluated at the picture's own pixels, in metres on the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.segment.scenery.ground import Patch, slopes
from services.segment.scenery.material import Material, Plane, colour, mix
from services.segment.scenery.noise import Noise, cellular, smoothstep

Tint: TypeAlias = NDArray[np.float32] | None
"""Linear RGB that the prompt's palette asks for, or None for the material's own colour."""

Maker: TypeAlias = Callable[[Patch, Noise, Tint, bool], Material]
"""``(patch, noise, tint, dark) -> Material``; ``dark`` asks for the material's dark sort."""


def _flat(patch: Patch) -> tuple[Plane, Plane]:
    return np.zeros_like(patch.x), np.zeros_like(patch.x)


def _relief(height_m: Plane, patch: Patch) -> tuple[Plane, Plane]:
    return slopes(height_m, patch)


def marble(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Polished marble: clouds, veins that run one way, wander and thin out; Carrara, or black with white veins."""
    turn = noise.uniform(0.45, 0.95) * (1 if noise.uniform() > 0.5 else -1)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = c * patch.x - s * patch.z, s * patch.x + c * patch.z
    foot = patch.footprint
    warp = noise.fractal(u * 2.6, v * 2.6, 6, gain=0.48, footprint=foot * 2.6)
    other = noise.fractal(u * 3.4 + 5.0, v * 3.4, 6, gain=0.50, footprint=foot * 3.4)
    clouds = noise.fractal(u * 2.0 + 0.4 * warp, v * 5.0 + 0.5 * other, 5, gain=0.55, footprint=foot * 5.0)

    def veins(frequency: float, wander: float, width: float, lean: float) -> Plane:
        """Thin dark lines where a wandering phase passes whole numbers; turbulence as in Perlin (1985)."""
        glance()
        phase = (v + lean * u) * frequency + wander * warp + 0.6 * wander * other
        line = np.abs(np.mod(phase, 1.0) - 0.5) / frequency
        thickness = width * (0.25 + 1.5 * smoothstep(-0.6, 1.8, noise(u * 6.0, v * 6.0)))
        presence = smoothstep(-0.3, 1.0, noise(u * 2.3, v * 2.3) + 0.35 * other)
        softness = np.maximum(thickness, 0.8 * foot)
        return np.asarray(np.exp(-((line / softness) ** 2)) * presence * (thickness / softness), dtype=np.float32)

    broad = veins(3.1, 0.30, 0.0045, 0.15)
    halo = veins(3.1, 0.30, 0.022, 0.15)
    fine = veins(6.3, 0.52, 0.0016, -0.35)
    hair = veins(10.0, 0.75, 0.0010, 0.9)
    if dark:
        base = mix(colour("#101113"), colour("#232527"), smoothstep(-1.5, 1.8, clouds))
        vein_colour, strength = colour("#d3cec4"), (0.75, 0.10, 0.50, 0.30)
    else:
        base = mix(colour("#c3c3c3"), colour("#e8e6e2"), smoothstep(-1.8, 0.8, clouds))
        vein_colour, strength = colour("#5f6165"), (0.72, 0.36, 0.55, 0.40)
    if tint is not None:
        shade = 0.35 * tint + 0.02 if dark else 0.62 * tint + 0.3
        base = base * (shade / max(float(shade.mean()), 1e-3) * 0.98)
    albedo = base
    for layer, share in zip((broad, halo, fine, hair), strength, strict=True):
        albedo = mix(albedo, vein_colour, np.asarray(share * layer, np.float32))
    # A bruise of colour around the broad veins, as iron leaves in the stone.
    stain = np.asarray(0.16 * halo * smoothstep(-0.4, 1.4, clouds), np.float32)
    albedo = mix(albedo, colour("#b39c78") if not dark else colour("#4a4036"), stain)
    flat_x, flat_z = _flat(patch)
    return Material(np.clip(albedo, 0.0, 0.93).astype(np.float32), flat_x, flat_z, mirror=0.05, roughness=0.22)


def wood(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Oiled planks: rings cut along the trunk, fibres, pores, and a fine gap between boards that differ a little."""
    plank = noise.uniform(0.11, 0.16)
    across, along = (patch.z, patch.x) if noise.uniform() < 0.6 else (patch.x, patch.z)
    across = across + np.float32(noise.uniform(0, 1.0))
    board = np.floor(across / plank).astype(np.float32)
    inside = across / plank - board
    ident = np.mod(np.sin(board * 12.9898 + 4.1) * 43758.547, 1.0).astype(np.float32)
    along = along + ident * 7.0
    foot = patch.footprint
    wander = noise.fractal(along * 1.1 + board * 9.0, across * 5.0, 3, footprint=foot * 5.0)
    heart = (inside - 0.5 + 0.7 * (ident - 0.5)) * plank
    rings = np.hypot(heart, 0.035 + 0.03 * ident + 0.008 * wander) + 0.003 * wander
    lines = noise.uniform(150.0, 210.0)
    phase = rings * lines + 0.25 * noise.fractal(along * 9.0 + board, across * 60.0, 2, footprint=foot * 60.0)
    saw = np.mod(phase, 1.0)
    late = (smoothstep(0.25, 0.85, saw) * (1.0 - smoothstep(0.93, 1.0, saw))).astype(np.float32)
    late = late * np.clip(1.5 - 2.2 * foot * lines, 0.0, 1.0) + 0.35 * (1 - np.clip(1.5 - 2.2 * foot * lines, 0.0, 1.0))
    fibre = noise.fractal(along * 14.0, across * 700.0, 2, gain=0.7, footprint=foot * 350.0)
    pores = smoothstep(1.5, 2.3, noise(along * 55.0 + board * 3.0, across * 1100.0)) * np.clip(
        1.6 - 600.0 * foot, 0.0, 1.0
    )
    early_colour, late_colour = (
        (colour("#5d4130"), colour("#2f1e15")) if dark else (colour("#c89a68"), colour("#94633a"))
    )
    if tint is not None:
        early_colour, late_colour = 0.3 * early_colour + 0.7 * tint, 0.45 * late_colour + 0.35 * tint
    albedo = mix(early_colour, late_colour, np.asarray(0.46 * late, np.float32))
    drift = 1.0 + 0.20 * (ident - 0.5) + 0.055 * fibre + 0.07 * wander
    albedo = albedo * drift[..., None]
    albedo = mix(albedo, late_colour * 0.5, np.asarray(0.45 * pores, np.float32))
    edge = np.minimum(inside, 1.0 - inside) * plank
    gap = np.asarray(1.0 - smoothstep(0.0006, 0.0022, edge), np.float32) * np.clip(1.3 - 120 * foot, 0.25, 1.0)
    albedo = albedo * (1.0 - 0.82 * gap)[..., None]
    height = -0.0009 * gap - 0.00006 * late + 0.00002 * fibre
    slope_x, slope_z = _relief(np.asarray(height, np.float32), patch)
    return Material(np.clip(albedo, 0.005, 0.9), slope_x, slope_z, mirror=0.035, roughness=0.42)


def concrete(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Cast concrete: clouds of damp and cement, sand, and a scatter of pin holes."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    clouds = noise.fractal(x * 3.0, z * 3.0, 5, gain=0.6, footprint=foot * 3.0)
    bloom = noise.fractal(x * 9.0, z * 9.0, 4, gain=0.6, footprint=foot * 9.0)
    sand = noise.fractal(x * 420.0, z * 420.0, 2, gain=0.7, footprint=foot * 420.0)
    trowel = noise.fractal(x * 6.0 + 0.6 * z, z * 90.0 + 30 * 0.02 * clouds, 2, footprint=foot * 90.0)
    first, _, ident = cellular(x * 38.0, z * 38.0, noise.choice(1 << 30))
    hole = (1.0 - smoothstep(0.05, 0.13, first / (0.2 + 1.2 * ident))) * (ident > 0.72)
    hole = np.asarray(hole * np.clip(1.5 - 140.0 * foot, 0.0, 1.0), np.float32)
    base = colour("#4a4a4b") if dark else colour("#a9a7a3")
    if tint is not None:
        base = 0.45 * base + 0.55 * tint
    tone = 1.0 + 0.11 * clouds + 0.05 * bloom + 0.045 * sand + 0.02 * trowel
    albedo = base * tone[..., None]
    albedo = albedo * (1.0 - 0.55 * hole)[..., None]
    height = np.asarray(0.00018 * sand + 0.0004 * bloom - 0.0012 * hole + 0.0001 * trowel, np.float32)
    slope_x, slope_z = _relief(height, patch)
    return Material(np.clip(albedo, 0.01, 0.9), slope_x * 0.8, slope_z * 0.8, mirror=0.03, roughness=0.55)


def stone(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Split slate or granite: layered relief and mineral specks."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    layers = noise.fractal(x * 5.0, z * 5.0, 6, gain=0.52, footprint=foot * 5.0)
    terraces = np.asarray(np.round(layers * 2.2) / 2.2, np.float32)
    height = np.asarray(0.0035 * (0.55 * terraces + 0.45 * layers), np.float32)
    specks = noise.fractal(x * 500.0, z * 500.0, 2, gain=0.8, footprint=foot * 500.0)
    base = mix(colour("#34373a"), colour("#54585a"), smoothstep(-1.5, 1.5, layers))
    if not dark:
        base = mix(colour("#7d7a75"), colour("#a39f98"), smoothstep(-1.5, 1.5, layers))
    if tint is not None:
        base = 0.5 * base + 0.5 * tint
    albedo = base * (1.0 + 0.14 * specks)[..., None]
    slope_x, slope_z = _relief(height, patch)
    return Material(np.clip(albedo, 0.01, 0.85), slope_x, slope_z, mirror=0.04, roughness=0.5)


def fabric(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Cloth laid down with soft folds: a plain weave close by, long folds that run from corner to corner."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    turn = noise.uniform(0.35, 0.95) * (1 if noise.uniform() > 0.5 else -1)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = c * x - s * z, s * x + c * z
    warp = noise.fractal(u * 1.6, v * 1.6, 3, gain=0.4)
    # Folds are long: nearly constant along u, their crests sharper than their valleys.
    phase = v * 4.2 + 0.55 * warp + 0.12 * noise(u * 4.0, v * 9.0)
    crest = np.abs(np.mod(phase, 1.0) - 0.5) * 2.0
    strength = smoothstep(-0.9, 1.1, noise(u * 1.3, v * 3.0))
    fold = (1.0 - smoothstep(0.0, 0.55, crest.astype(np.float32))) * strength
    ripple = noise.fractal(u * 3.0 + 0.4 * warp, v * 11.0 + 0.8 * warp, 2, gain=0.4)
    # The cloth is pulled flat where the subject stands.
    stand = np.exp(-((x / 0.20) ** 2 + ((z - 0.86) / 0.15) ** 2))
    calm = (1.0 - 0.85 * stand).astype(np.float32)
    height = np.asarray((0.020 * fold + 0.0018 * ripple) * calm, np.float32)
    threads = 620.0
    shown = np.clip(1.4 - 1.6 * foot * threads, 0.0, 1.0)
    slub = noise.fractal(u * 40.0, v * 900.0, 1) + noise.fractal(u * 900.0, v * 40.0, 1)
    weave = np.sin(2 * np.pi * threads * u) * np.sin(2 * np.pi * threads * v)
    base = colour("#3b3d42") if dark else colour("#d9cdbb")
    if tint is not None:
        base = 0.80 * tint
    grain = 1.0 + (0.05 * weave * shown + 0.035 * slub * np.clip(1.4 - 500.0 * foot, 0.0, 1.0))
    occlusion = 1.0 - 0.30 * smoothstep(0.45, 1.0, crest.astype(np.float32)) * strength * calm
    albedo = base * (grain * occlusion)[..., None]
    slope_x, slope_z = _relief(height, patch)
    return Material(
        np.clip(albedo, 0.004, 0.9).astype(np.float32), slope_x, slope_z, mirror=0.02, roughness=0.9, sheen=0.25
    )


def sand(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Dry sand: wind ripples that join and part, and grains of several minerals."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    sway = noise.fractal(x * 2.5, z * 2.5, 4, footprint=foot * 2.5)
    dunes = noise.fractal(x * 1.1, z * 1.1, 2, footprint=foot * 1.1)
    waves = 15.0
    phase = z * waves + 0.9 * sway + 0.35 * x * waves * noise.uniform(-0.6, 0.6)
    swell = np.mod(phase, 1.0)
    ripple = np.where(swell < 0.68, swell / 0.68, (1.0 - swell) / 0.32)
    ripple = (ripple * ripple * (3 - 2 * ripple)).astype(np.float32) * np.clip(1.4 - 2.5 * foot * waves, 0.0, 1.0)
    presence = 0.35 + 0.65 * smoothstep(-0.8, 0.9, dunes)
    grains = noise.fractal(x * 700.0, z * 700.0, 2, gain=0.9, footprint=foot * 500.0)
    lumps = noise.fractal(x * 60.0, z * 60.0, 3, gain=0.6, footprint=foot * 60.0)
    height = np.asarray(0.0042 * ripple * presence + 0.0006 * lumps + 0.00010 * grains + 0.008 * dunes, np.float32)
    base = mix(colour("#c7a679"), colour("#e6cfa6"), smoothstep(-1.4, 1.4, dunes + 0.4 * lumps))
    if tint is not None:
        base = 0.5 * base + 0.5 * tint
    if dark:
        base = base * 0.45
    albedo = base * (1.0 + 0.13 * grains + 0.03 * lumps)[..., None]
    slope_x, slope_z = _relief(height, patch)
    return Material(np.clip(albedo, 0.01, 0.9), slope_x, slope_z, mirror=0.02, roughness=1.0)


def snow(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Fresh snow: soft drifts, a fine crust, here and there a glint."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    drift = noise.fractal(x * 2.2, z * 3.0, 4, gain=0.45, footprint=foot * 3.0)
    crust = noise.fractal(x * 160.0, z * 160.0, 3, gain=0.8, footprint=foot * 160.0)
    height = np.asarray(0.016 * drift + 0.0003 * crust, np.float32)
    base = colour("#eef2f8") if tint is None else 0.75 * colour("#eef2f8") + 0.25 * tint
    albedo = base * (0.97 + 0.02 * crust)[..., None] * (0.5 if dark else 1.0)
    glint = smoothstep(2.6, 3.4, noise(x * 900.0, z * 900.0)) * np.clip(1.5 - 900 * foot, 0.0, 1.0)
    albedo = albedo + (1.2 * glint)[..., None]
    slope_x, slope_z = _relief(height, patch)
    return Material(np.asarray(albedo, np.float32), slope_x, slope_z, mirror=0.02, roughness=1.0)


def soil(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """A forest floor: moss in cushions, earth and needles between them, a few fallen leaves."""
    return _forest_floor(patch, noise, tint, dark, 0.10)


def litter(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """A forest floor in autumn: fallen leaves nearly everywhere."""
    return _forest_floor(patch, noise, tint, dark, 0.80)


def _forest_floor(patch: Patch, noise: Noise, tint: Tint, dark: bool, leaves: float) -> Material:
    """``leaves``: share of the ground under fallen leaves, 0..1."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    lumps = noise.fractal(x * 9.0, z * 9.0, 7, gain=0.6, footprint=foot * 9.0)
    cushions = noise.fractal(x * 4.0, z * 4.0, 4, gain=0.55, footprint=foot * 4.0)
    tuft = noise.fractal(x * 230.0, z * 230.0, 3, gain=0.85, footprint=foot * 230.0)
    needles = noise.fractal(x * 60.0 + z * 25.0, z * 420.0, 2, gain=0.8, footprint=foot * 420.0)
    # Moss thins out into the earth tuft by tuft: it has no border.
    moss = smoothstep(-1.5, 0.6, cushions + 0.45 * lumps + 0.40 * tuft)
    earth = mix(colour("#2b2416"), colour("#655338"), smoothstep(-1.6, 1.8, 0.7 * lumps + 0.6 * needles))
    green = mix(colour("#27330f"), colour("#74872f"), smoothstep(-1.4, 2.0, 0.8 * tuft + 0.5 * lumps + 0.3 * cushions))
    albedo = mix(earth, green, moss)
    first, second, ident = cellular(x * 34.0 + 0.5 * lumps, z * 34.0 + 0.5 * cushions, noise.choice(1 << 30))
    leaf = (
        smoothstep(0.06, 0.16, second - first)
        * (ident > 1.0 - leaves)
        * (1.0 - smoothstep(0.26 + 0.3 * leaves, 0.34 + 0.3 * leaves, first))
    )
    leaf = leaf * np.clip(1.4 - 70 * foot, 0.0, 1.0)
    fallen = mix(colour("#6b4526"), colour("#b58546"), np.asarray((ident - 1.0 + leaves) / leaves, np.float32))
    if tint is not None:
        fallen = mix(tint * 0.6, tint, ident)
    rib = 0.8 + 0.2 * smoothstep(0.0, 0.12, first)
    albedo = mix(albedo, fallen * rib[..., None], np.asarray(0.9 * leaf, np.float32))
    hollow = 0.55 + 0.45 * smoothstep(-1.3, 0.6, cushions + 0.5 * lumps)
    albedo = albedo * (hollow * (1.0 + 0.10 * tuft))[..., None]
    height = np.asarray(0.010 * cushions + 0.004 * lumps + 0.0022 * leaf + 0.0008 * tuft * moss, np.float32)
    slope_x, slope_z = _relief(height, patch)
    return Material(
        np.clip(albedo * (0.6 if dark else 1.0), 0.004, 0.9).astype(np.float32), slope_x, slope_z, 0.02, 1.0
    )


def asphalt(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """A street: bitumen and chippings, damp in the hollows so that lights streak over it."""
    foot = patch.footprint
    x, z = patch.x, patch.z
    first, second, ident = cellular(x * 150.0, z * 150.0, noise.choice(1 << 30))
    shown = np.clip(1.5 - 170.0 * foot, 0.0, 1.0)
    chips = smoothstep(0.05, 0.3, second - first) * shown
    damp = noise.fractal(x * 2.0, z * 2.0, 4, footprint=foot * 2.0)
    base = mix(colour("#2b2c2e"), colour("#56575a"), np.asarray(0.5 * chips * ident + 0.15, np.float32))
    if tint is not None:
        base = 0.75 * base + 0.25 * tint
    albedo = base * (1.0 + 0.12 * damp)[..., None]
    height = np.asarray(0.0011 * chips * (0.5 + ident) + 0.0015 * damp, np.float32)
    slope_x, slope_z = _relief(height, patch)
    return Material(np.clip(albedo, 0.01, 0.8), slope_x * 0.7, slope_z * 0.7, mirror=0.06, roughness=0.3)


def tile(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """Glazed tiles with grout, each a shade of its own."""
    side = 0.15
    x, z = patch.x / side + 0.5, patch.z / side
    ident = np.mod(np.sin(np.floor(x) * 12.99 + np.floor(z) * 78.23) * 43758.5, 1.0).astype(np.float32)
    gap = np.minimum(np.minimum(np.mod(x, 1.0), 1 - np.mod(x, 1.0)), np.minimum(np.mod(z, 1.0), 1 - np.mod(z, 1.0)))
    face = smoothstep(0.012, 0.03, gap.astype(np.float32))
    base = colour("#2c3336") if dark else colour("#e6e3dc")
    if tint is not None:
        base = 0.2 * base + 0.8 * tint
    shade = 1.0 + 0.08 * (ident - 0.5) + 0.02 * noise.fractal(patch.x * 9, patch.z * 9, 3)
    albedo = mix(colour("#a7a29a") * 0.8, base, face) * shade[..., None]
    slope_x, slope_z = _relief(np.asarray(0.0012 * face, np.float32), patch)
    return Material(np.clip(albedo, 0.01, 0.92), slope_x, slope_z, mirror=0.06, roughness=0.15)


def gloss(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """A polished sheet: glass, acrylic or lacquer."""
    base = colour("#0d0e10") if dark else colour("#eceae6")
    if tint is not None:
        base = tint * (0.35 if dark else 0.9)
    cloud = noise.fractal(patch.x * 2.0, patch.z * 2.0, 2)
    albedo = base * (1.0 + 0.015 * cloud)[..., None]
    flat_x, flat_z = _flat(patch)
    return Material(np.asarray(albedo, np.float32), flat_x, flat_z, mirror=0.09, roughness=0.06)


def paper(patch: Patch, noise: Noise, tint: Tint, dark: bool) -> Material:
    """A studio's seamless paper: one colour with the least of texture."""
    base = colour("#3a3b3e") if dark else colour("#e6ddd3")
    if tint is not None:
        base = tint
    fibre = noise.fractal(patch.x * 500.0, patch.z * 500.0, 2, gain=0.8, footprint=patch.footprint * 500.0)
    albedo = base * (1.0 + 0.006 * fibre)[..., None]
    flat_x, flat_z = _flat(patch)
    return Material(np.asarray(albedo, np.float32), flat_x, flat_z, mirror=0.02, roughness=0.75)


SURFACES: dict[str, Maker] = {
    "marble": marble,
    "wood": wood,
    "concrete": concrete,
    "stone": stone,
    "fabric": fabric,
    "sand": sand,
    "snow": snow,
    "soil": soil,
    "litter": litter,
    "asphalt": asphalt,
    "tile": tile,
    "gloss": gloss,
    "paper": paper,
}
"""Surfaces that are a plane with relief. Grass and water are drawn by ``scenery.growth`` and ``scenery.waves``."""
