"""What the documentation says of code, commands, settings, calls and codes is there."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

import click
import pytest

from gateway.http.app import public_calls
from lensora.cli.main import Deferred, cli
from lensora.client import exchange
from lensora.contract.answers import Result
from lensora.contract.problems import MEANINGS
from lensora.contract.requests import TransformBody
from lensora.core.boxes import CUTOUT_UNCERTAIN
from lensora.core.steps import NEEDS, Step
from lensora.core.words import Aspect, BackgroundType, CameraMove, OutputFormat
from lensora.rpc.status import statuses
from lensora.settings import VARIABLES_FILE
from services.detect.settings import DetectSettings
from services.mesh.settings import MeshSettings
from services.segment.settings import SegmentSettings

ROOT = Path(__file__).resolve().parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "examples" / "README.md",
    ROOT / "clients" / "node" / "README.md",
]
named = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
SUFFIXES = "py|toml|lua|sh|js|ts|mjs|html|css|proto|yml"


@cache
def files() -> set[str]:
    """Every file of the repository, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.split())


@named
def test_files_that_are_named_are_there(page: Path) -> None:
    """A path in backticks is a file of ours, or the end of one's path."""
    known = files()
    told = re.findall(rf"`((?:[\w.-]+/)*[\w-]+\.(?:{SUFFIXES}))`", page.read_text("utf-8"))
    lost = [path for path in told if path not in known and not any(file.endswith(f"/{path}") for file in known)]
    assert not lost


@cache
def scripts() -> str:
    """Every program of the repository, one after the other."""
    return "\n".join((ROOT / name).read_text("utf-8") for name in files() if name.endswith((".py", ".mk", ".sh")))


@named
def test_settings_that_are_named_are_read(page: Path) -> None:
    """A variable in backticks is one that some process or command reads."""
    known = set(VARIABLES_FILE.read_text().split())
    told = set(re.findall(r"`(LENSORA_[A-Z0-9_]*[A-Z0-9])(?:=[^`]*)?`", page.read_text("utf-8")))
    assert not [name for name in told - known if name not in scripts()]


@named
def test_make_targets_that_are_named_are_there(page: Path) -> None:
    """``make`` has every target that a page tells to call."""
    makefile = (ROOT / "Makefile").read_text()
    benches = re.findall(r"^BENCHES := (.*)$", makefile, re.MULTILINE)[0].split()
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE)) | {f"bench-{name}" for name in benches}
    assert not set(re.findall(r"`make ([a-z](?:[\w-]*\w)?)\b(?!-)", page.read_text("utf-8"))) - targets


@named
def test_commands_that_are_named_are_there(page: Path) -> None:
    """``lensora`` has every command, with its options, that a page tells to call."""
    for text in re.findall(r"`lensora ([a-z][^`]*)`", page.read_text("utf-8")):
        command: click.Command = cli
        for word in text.split():
            if word.startswith("--"):
                assert any(word in option.opts for option in command.params), text
            elif isinstance(command, click.Group):
                assert set(word.split("|")) <= set(command.commands), text
                command = command.commands[word.split("|")[0]]
                command = command.command() if isinstance(command, Deferred) else command


def test_commands_that_the_studio_s_pages_name_are_there() -> None:
    """Each ``lensora`` command of a page takes the words that stand behind it."""
    pages = [path for path in (ROOT / "gateway" / "http" / "web").rglob("*.[hj][ts]*") if "vendor" not in path.parts]
    told = [text for path in pages for text in re.findall(r"<code>lensora ([^<]+)</code>", path.read_text("utf-8"))]
    assert told
    for text in told:
        command: click.Command = cli
        words = [word for word in text.split() if not word.startswith("--")]
        while words and isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
            command = command.command() if isinstance(command, Deferred) else command
        assert len(words) <= sum(isinstance(each, click.Argument) for each in command.params), text


@named
def test_calls_that_are_named_are_there(page: Path) -> None:
    """A method and a path of a page are a call of the API."""
    known = {(call.method, re.sub(r"\{[^}]*\}", "{}", call.path)) for call in public_calls()}
    for method, path in re.findall(r"`(GET|POST|DELETE) (/v1/[\w/{}-]+)`", page.read_text("utf-8")):
        assert (method, re.sub(r"\{[^}]*\}", "{}", path)) in known, path


def test_the_errors_page_has_every_code_with_its_status() -> None:
    """The table is the errors that an answer may have, no more and no fewer."""
    page = (ROOT / "docs" / "guides" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", page, re.MULTILINE)
    told = {(code, int(status)) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert told == {(error.code, statuses(error)[1]) for error in MEANINGS}


def test_the_errors_page_has_every_call_that_takes_a_key_for_repeats() -> None:
    """The sentence on ``Idempotency-Key`` names exactly the calls that take one."""
    page = (ROOT / "docs" / "guides" / "errors.md").read_text("utf-8")
    (sentence,) = re.findall(r"with a POST to (.*?)\. ", page)
    takers = {call.path.rpartition("/")[2] for call in public_calls() if call.idempotent}
    assert set(re.findall(r"`/(\w+)`", sentence)) == takers


@cache
def defaults() -> dict[str, set[object]]:
    """Every setting of every process by its variable: its defaults, in the unit that its name tells."""
    found: dict[str, set[object]] = {}
    for place in runpy.run_path(str(ROOT / "tools" / "reference_pages.py"))["PROCESSES"].values():
        module, _, name = place.partition(":")
        for field, about in getattr(importlib.import_module(module), name).model_fields.items():
            if not about.is_required():
                value = about.get_default(call_default_factory=True)
                found.setdefault(f"LENSORA_{field.upper()}", set()).add(
                    value if isinstance(value, int | float) else None
                )
    return found


@named
def test_defaults_that_tables_tell_are_the_settings_own(page: Path) -> None:
    """A row with a number and the setting that it is the default of says what the code says."""
    units = {"": 1.0, " s": 1.0, " h": 1.0, " days": 24.0, " min": 60.0}
    for row in re.findall(r"^\|(.*)\|$", page.read_text("utf-8"), re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")]
        names = [found[1] for cell in cells if (found := re.match(r"`(LENSORA_[A-Z_]+)`", cell))]
        told = [found for cell in cells if (found := re.fullmatch(r"([0-9][0-9,.]*)( s| h| days| min|)", cell))]
        if len(names) == 1 and len(told) == 1 and names[0] in defaults():
            number = float(told[0][1].replace(",", "")) * units[told[0][2]]
            assert defaults()[names[0]] == {number}, row


def test_the_scripts_that_move_a_job_are_those_that_are_told() -> None:
    """Each is there, and every script that may end a job is among them."""
    text = (ROOT / "docs" / "JOBS.md").read_text("utf-8")
    (sentence,) = re.findall(
        r"A job moves only inside one of (\w+) Lua scripts \(`gateway/jobs/lua`\): (.*?)\. Each", text, re.DOTALL
    )
    told = set(re.findall(r"`(\w+)`", sentence[1]))
    scripts = {path.stem: path.read_text() for path in (ROOT / "gateway" / "jobs" / "lua").glob("*.lua")}
    assert told <= set(scripts)
    ends = {name for name, lua in scripts.items() if "terminate(" in lua and name != "prelude"}
    assert ends <= told


def test_the_films_guide_has_every_word_of_an_order() -> None:
    """Backgrounds, moves, formats and shapes: none is left out."""
    page = (ROOT / "docs" / "guides" / "films.md").read_text("utf-8")
    missing = [
        word for words in (BackgroundType, CameraMove, OutputFormat, Aspect) for word in words if word not in page
    ]
    assert not missing


def test_the_photos_guide_has_every_advice() -> None:
    """Each code that the detect service may give is a row, and each row is a code that it gives."""
    told = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "guides" / "photos.md").read_text("utf-8"), re.MULTILINE))
    source = (ROOT / "services" / "detect" / "preflight.py").read_text("utf-8")
    given = set(re.findall(r'SuggestedAction\(\s*"(\w+)"', source))
    assert given and told == {*given, CUTOUT_UNCERTAIN.code}


def test_the_agents_guide_has_every_tool() -> None:
    """The table is the tools that the server has."""
    page = (ROOT / "docs" / "guides" / "agents.md").read_text("utf-8")
    told = [name for row in re.findall(r"^\| (`[\w`, ]+`) \|", page, re.MULTILINE) for name in row.split("`")[1::2]]
    sources = [
        (ROOT / "lensora" / "agents" / f"{name}.py").read_text("utf-8") for name in ("photos", "films", "batches")
    ]
    assert sorted(told) == sorted(
        re.findall(r"@server\.tool\([^\n]*\n    @told\n    async def (\w+)", "".join(sources))
    )


def test_the_graph_of_stages_is_drawn_as_it_is() -> None:
    """The film waits for the backplate and the model, not for the composite: as the pictures of both pages say."""
    assert NEEDS[Step.RENDERING_VIDEO] == (Step.GENERATING_BG, Step.GENERATING_3D)
    assert NEEDS[Step.COMPOSITING] == (Step.GENERATING_BG,)
    for name in ("overview", "jobs"):
        text = (ROOT / "docs" / "internals" / f"{name}.md").read_text("utf-8")
        assert re.search(
            r"backplate -\+-> composite[^\n]*\n[^\n]*\+-> (?:film|render)[^\n]*\n[^\n]*\+-> mesh[^\n]*\^", text
        ), name


def test_the_calls_page_has_every_call_with_its_price() -> None:
    """Each call of the document is a row, or in one; where it costs something the row tells how much."""
    page = (ROOT / "docs" / "guides" / "api.md").read_text("utf-8")
    rows = [row.replace("...", "") for row in re.findall(r"^\|.*\|$", page, re.MULTILINE)]
    for call in public_calls():
        last = [part for part in call.path.split("/") if part and "{" not in part][-1]
        found = [row for row in rows if last in row]
        assert found or not call.name, call.path
        assert not call.price or any(re.search(rf"\|[^|]*\b{call.price}\b[^|]*\|$", row) for row in found), call.path


def test_the_install_guide_names_extras_that_exist() -> None:
    """Each extra of the table is the package's, and `make setup` installs those that the guide says."""
    page = (ROOT / "docs" / "guides" / "install.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = {extra for found in re.findall(r"lensora\[([\w,]+)\]", page) for extra in found.split(",")}
    assert told <= set(project["optional-dependencies"])
    (sentence,) = re.findall(r"`make setup` installs (.*?)\.(?:\s|$)", page, re.DOTALL)
    (extras,) = re.findall(r"^extras=([\w,]+)$", (ROOT / "tools" / "setup.sh").read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(extras.split(","))


def test_the_guides_commands_take_what_the_start_page_sets() -> None:
    """Address and key have one name each, so that a command works as it stands; ids are the reader's own."""
    start = (ROOT / "docs" / "index.md").read_text("utf-8")
    known = {*re.findall(r"^export (\w+)=", start, re.MULTILINE), "SESSION", "VIEW", "JOB"}
    for page in (ROOT / "docs" / "guides").glob("*.md"):
        blocks = re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        assert {name for block in blocks for name in re.findall(r"\$\{?(\w+)", block)} <= known, page.name


def test_the_clients_try_as_often_as_the_guides_say() -> None:
    """Four times in all, in both languages."""
    assert exchange.MAX_TRIES == 4
    assert "const MAX_TRIES = 4;" in (ROOT / "clients" / "node" / "src" / "client.ts").read_text("utf-8")


def test_every_field_of_an_order_is_in_the_guides() -> None:
    """Nobody has to find a choice in the reference first: a guide names it, and each field of the poll."""
    guides = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "guides").glob("*.md"))
    missing = [name for model in (TransformBody, Result) for name in model.model_fields if name not in guides]
    assert not missing


def test_the_contracts_modules_are_told() -> None:
    """The table of the API's page names each module of the contract, but those that only spell and shape."""
    page = (ROOT / "docs" / "internals" / "api.md").read_text("utf-8")
    table = page.split("| module | holds |")[1].split("\n\n")[0]
    told = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in row.split("`")[1::2]}
    there = {path.name for path in (ROOT / "lensora" / "contract").glob("*.py")}
    assert told == there - {"__init__.py", "json_text.py", "shapes.py", "wording.py"}


def test_triton_s_page_has_every_choice_of_a_setting() -> None:
    """Each row of its table names the words that the setting takes."""
    page = (ROOT / "docs" / "TRITON.md").read_text("utf-8")
    for settings in (DetectSettings, SegmentSettings, MeshSettings):
        for name, field in settings.model_fields.items():
            rows = re.findall(rf"^\| `LENSORA_{name.upper()}` \|(.*)$", page, re.MULTILINE)
            words = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            for row in rows:
                assert not [word for word in words if f"`{word}`" not in row], name
