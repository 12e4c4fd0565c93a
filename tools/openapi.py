"""Print the OpenAPI document: ``python tools/openapi.py [URL] > openapi.json``. Generators of clients read it."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Write the document for a server at the URL given."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from gateway.http.app import public_calls
    from gateway.http.pages.openapi import document

    url = sys.argv[1] if len(sys.argv) > 1 else "https://studio.example.com"
    sys.stdout.write(json.dumps(document(public_calls(), url), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
