"""Hollow libraries: loaded like the full ones, without what they did."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.images.closure import ROOT

HOLLOW = ROOT / "deploy" / "images" / "hollow.py"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """OpenCV's wheel alone, as files of a folder."""
    import cv2  # its loader is not wanted here, only where it lies

    packages = Path(cv2.__file__).parents[1]
    for name in ("cv2", "opencv_python_headless.libs"):
        shutil.copytree(packages / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    return tmp_path


def hollow(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it on a folder."""
    return subprocess.run(
        [sys.executable, str(HOLLOW), str(folder), *arguments], capture_output=True, text=True, check=False
    )


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A process that takes OpenCV from the folder."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); import cv2, numpy; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_opencv_works_on_hollow_libraries(environment: Path) -> None:
    """Without FFmpeg, OpenBLAS and their own libraries pictures are coded and resized; a call of LAPACK aborts."""
    names = [f"opencv_*.libs/lib{name}-*" for name in ("avcodec", "avformat", "swscale", "openblasp-r0")]
    size = sum(path.stat().st_size for path in environment.rglob("*.so*"))
    done = hollow(environment, *names, "--absent", "opencv_*.libs/libavutil-*")
    assert done.returncode == 0, done.stderr
    assert "libcrypto" in done.stdout, "what only FFmpeg asks for goes too"
    assert sum(path.stat().st_size for path in environment.rglob("*.so*")) < size - 60e6
    picture = "numpy.arange(75, dtype=numpy.uint8).reshape(5, 5, 3)"
    code = f"p = cv2.imdecode(cv2.imencode('.png', {picture})[1], 1); print(cv2.resize(p, (3, 3)).shape, cv2.__file__)"
    works = run(environment, code)
    assert works.returncode == 0, works.stderr
    assert works.stdout.split(") ")[1].strip().startswith(str(environment))
    assert run(environment, "cv2.solve(numpy.random.rand(300, 300), numpy.random.rand(300, 1))").returncode < 0
    (library,) = environment.glob("opencv_*.libs/libavutil-*")
    assert ctypes.CDLL(str(library)).av_frame_alloc() == 0, "with --absent a function answers null"


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    """A name that matches nothing stops the build."""
    done = hollow(tmp_path, "libmissing-*")
    assert done.returncode == 1
    assert "libmissing-*" in done.stderr
