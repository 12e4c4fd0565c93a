"""Two releases that work side by side: the protos of this one against those of the previous one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.images.closure import ROOT
from deploy.rehearsal.previous import extract

BUF = Path(sys.executable).parent / "buf"


def breaking(against: Path) -> str:
    """What buf finds that a process of the other release would stumble over."""
    command = [str(BUF), "breaking", str(ROOT / "protos"), "--against", str(against)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_messages_only_gain_fields(tmp_path: Path) -> None:
    """Nothing that the previous release sends or reads was taken away or changed; buf would say so."""
    extract(tmp_path / "previous", "protos")
    before = tmp_path / "previous" / "protos"
    assert breaking(before) == ""
    proto = before / "lensora" / "api" / "detect" / "v1" / "detector.proto"
    text = proto.read_text()
    assert "message DetectResponse {" in text
    proto.write_text(
        text.replace("message DetectResponse {", "message DetectResponse {\n  // Gone since.\n  int32 lost = 900;\n")
    )
    assert "DetectResponse" in breaking(before)
