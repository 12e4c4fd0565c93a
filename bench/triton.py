"""Latency of the GPU profiles' nets at their true size, with random weights: ``python -m bench.triton --device cuda``.

The nets are built in the environment of Triton's python backend (``deploy/triton/install_server.py``), or in that of
``--python``, which on a machine with a GPU needs a CUDA build of torch. ``--device meta`` counts parameters alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from lensora.testing.triton import environment_folder

GIB = 1024**3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu, or meta")
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each net; the median counts")
    parser.add_argument("--python", type=Path, default=environment_folder() / "bin" / "python")
    parser.add_argument("--data", help="not used: there are no weights and no photos in this bench")
    parser.add_argument("nets", nargs="*")
    arguments = parser.parse_args()
    if not arguments.python.exists():
        print(f"{arguments.python} is missing; run: python deploy/triton/install_server.py", file=sys.stderr)
        return 2
    script = Path(__file__).with_name("true_size.py")
    command = [str(arguments.python), str(script), "--device", arguments.device, "--rounds", str(arguments.rounds)]
    done = subprocess.run([*command, *arguments.nets], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['device']}, torch {found['torch']}, random weights\n")
    print(f"{'net':20} {'parameters':>12} {'one run':>10} {'runs':>5} {'all runs':>10} {'peak memory':>12}")
    for row in found["nets"]:
        one = f"{row['run_s'] * 1000:.1f} ms" if "run_s" in row else "-"
        every = f"{row['total_s']:.2f} s" if "total_s" in row else "-"
        peak = f"{row['peak_bytes'] / GIB:.1f} GiB" if "peak_bytes" in row else "-"
        print(f"{row['net']:20} {row['parameters'] / 1e9:10.2f} G {one:>10} {row['runs']:5} {every:>10} {peak:>12}")
    figures = {
        f"{row['net'].replace('-', '_')}_{key}": row[key] for row in found["nets"] for key in row if key != "net"
    }
    print(json.dumps({"device": found["device"], **figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
