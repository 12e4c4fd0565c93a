"""Adds the reference's pages to the site. They are made of the code at build time, so they cannot drift from it."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/lensora/studio/blob/main"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every generated page, by its place in the site."""
    sys.path.insert(0, str(ROOT))
    from tools.reference_pages import pages

    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files
