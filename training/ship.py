"""Put an exported file where it is shipped from, and its digest and size into the model manifest.

``python -m training.ship lensora-shape.onnx --version 0.2.0`` changes ``lensora/models/shipped/lensora-shape.onnx`` and
the entry ``lensora-shape`` of ``lensora/models/manifest.toml``.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
from pathlib import Path

import onnxruntime

from lensora.models.manifest import parse_manifest
from lensora.models.store import SHIPPED
from services.mesh.network import INPUT, MODEL, OUTPUTS


def entered(manifest: str, version: str, digest: str, size: int) -> str:
    """The manifest's text with another version, digest and size for the network.

    Raises:
        ValueError: the manifest has no such entry.
    """
    tables = manifest.split("[[model]]")
    chosen = [number for number, table in enumerate(tables) if f'name = "{MODEL}"' in table]
    if len(chosen) != 1:
        raise ValueError(f"the manifest has {len(chosen)} entries named {MODEL}")
    table = re.sub(r'sha256 = "[0-9a-f]{64}"', f'sha256 = "{digest}"', tables[chosen[0]])
    table = re.sub(r"size_bytes = [\d_]+", f"size_bytes = {size:_}", table)
    tables[chosen[0]] = re.sub(r'version = "[^"]*"', f'version = "{version}"', table, count=1)
    changed = "[[model]]".join(tables)
    parse_manifest(changed)
    return changed


def refuse_other(path: Path) -> None:
    """End the process where a file is no network that the mesh stage could ask."""
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an error of its own for each way in which a file is no model
        raise SystemExit(f"{path}: is no ONNX file that can be run") from error
    names = [one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()]
    if names != ([INPUT], list(OUTPUTS)):
        raise SystemExit(f"{path}: is a network from {names[0]} to {names[1]}, not from {[INPUT]} to {list(OUTPUTS)}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="training.ship", description="Ship an exported network.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    refuse_other(options.model)
    data = options.model.read_bytes()
    manifest = SHIPPED.parent / "manifest.toml"
    text = entered(manifest.read_text("utf-8"), options.version, hashlib.sha256(data).hexdigest(), len(data))
    shutil.copyfile(options.model, SHIPPED / f"{MODEL}.onnx")
    manifest.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
