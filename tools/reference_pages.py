"""The reference as Markdown, made of the code: API, errors, commands, settings, metrics."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parent.parent
Json = dict[str, Any]

PROCESSES = {
    "gateway (HTTP)": "gateway.http.settings:HttpSettings",
    "worker": "gateway.pipeline.settings:WorkerSettings",
    "detect": "services.detect.settings:DetectSettings",
    "segment": "services.segment.settings:SegmentSettings",
    "mesh": "services.mesh.settings:MeshSettings",
    "render": "services.render.settings:RenderSettings",
}


def pages() -> dict[str, str]:
    """Every page by its file's name."""
    return {
        "api": api(),
        "errors": errors(),
        "commands": commands(),
        "settings": settings(),
        "metrics": metrics(),
    }


def api() -> str:
    """Each call with its parameters, fields, answer and codes."""
    from gateway.http.app import public_calls
    from gateway.http.pages.openapi import document

    spec = document(public_calls(), "https://studio.example.com")
    lines = ["# The API", "", spec["info"]["description"], "", "## Calls", "", "| call | what it does | credits |"]
    lines.append("|---|---|---|")
    operations = [(path, method, one) for path, methods in spec["paths"].items() for method, one in methods.items()]
    for path, method, one in operations:
        anchor = f"#{_anchor(method, path)}"
        lines.append(f"| [`{method.upper()} {path}`]({anchor}) | {one['summary']} | {one.get('x-credits', '')} |")
    for path, method, one in operations:
        lines += ["", f"### {method.upper()} {path} {{#{_anchor(method, path)}}}", "", f"{one['summary']}."]
        if "description" in one:
            lines += ["", one["description"]]
        lines += _parameters(one)
        for kind, content in one.get("requestBody", {}).get("content", {}).items():
            lines += ["", f"Body, `{kind}`:", "", *_fields(content["schema"], spec)]
        lines += _answers(one)
    lines += ["", "## Shapes"]
    for name, schema in spec["components"]["schemas"].items():
        lines += ["", f"### {name} {{#{name}}}", "", schema.get("description", "").split("\n")[0]]
        if "enum" in schema:
            lines += ["", ", ".join(f"`{word}`" for word in schema["enum"])]
        elif schema.get("properties"):
            lines += ["", *_fields(schema, spec)]
    return "\n".join(lines) + "\n"


def errors() -> str:
    """Every code with its status and meaning."""
    from lensora.contract.problems import MEANINGS
    from lensora.rpc.status import statuses

    lines = ["# Errors", "", "Answers are `application/problem+json` (RFC 9457). Programs branch on `code`.", ""]
    lines += ["| status | code | when |", "|---|---|---|"]
    for cls, meaning in MEANINGS.items():
        lines.append(f"| {statuses(cls)[1]} | `{cls.code}` | {meaning.when} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Every command with its arguments and options."""
    from lensora.cli.main import Deferred, cli

    def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, Deferred):
            command = command.command()
        if isinstance(command, click.Group):
            for name in sorted(command.commands):
                yield from leaves(command.commands[name], f"{path} {name}")
        else:
            yield path, command

    lines = ["# Commands", "", "`lensora completion bash` prints what makes a shell complete them."]
    for path, command in leaves(cli, "lensora"):
        arguments = [str(one.name).upper() for one in command.params if isinstance(one, click.Argument)]
        lines += [
            "",
            f"## {path}",
            "",
            f"`{' '.join([path, *arguments, '[OPTIONS]'])}`",
            "",
            _prose(command.help or ""),
        ]
        options = [one for one in command.params if isinstance(one, click.Option)]
        if options:
            lines += ["", "| option | takes | what it says | default |", "|---|---|---|---|"]
        for option in options:
            takes = "" if option.is_flag else _cell(option.type.name if not _words(option) else _words(option))
            default = option.default if option.show_default and option.default is not None else ""
            lines.append(f"| `{option.opts[0]}` | {takes} | {_cell(option.help or '')} | {_cell(str(default))} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Every environment variable of every process."""
    lines = ["# Settings", "", "Read once, at the start. A bad value stops the process and is named."]
    for process, place in PROCESSES.items():
        module, _, name = place.partition(":")
        model = getattr(importlib.import_module(module), name)
        lines += ["", f"## {process}", "", "| variable | default | what it says |", "|---|---|---|"]
        for field, about in sorted(model.model_fields.items()):
            # A process' own name is made anew each time; its text says how.
            default = "" if about.is_required() or about.default_factory else _default(about.default)
            lines.append(f"| `LENSORA_{field.upper()}` | {default} | {_cell(about.description or '')} |")
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """Every metric that our processes register."""
    from prometheus_client import REGISTRY
    from prometheus_client.metrics import MetricWrapperBase

    for package in ("gateway", "lensora", "services"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "from prometheus_client import" in path.read_text("utf-8"):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = {
        collector._name: collector
        for collector in REGISTRY._collector_to_names
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("lensora_")
    }
    lines = ["# Metrics", "", "Each process serves its own on `LENSORA_METRICS_PORT`.", ""]
    lines += ["| name | type | labels | what it counts |", "|---|---|---|---|"]
    for name, collector in sorted(found.items()):
        full = f"{name}_total" if collector._type == "counter" else name
        labels = ", ".join(collector._labelnames)
        lines.append(f"| `{full}` | {collector._type} | {labels} | {_cell(collector._documentation)} |")
    return "\n".join(lines) + "\n"


def _parameters(one: Json) -> list[str]:
    if not one.get("parameters"):
        return []
    lines = ["", "| parameter | in | what it says |", "|---|---|---|"]
    lines += [f"| `{p['name']}` | {p['in']} | {_cell(p['description'])} |" for p in one["parameters"]]
    return lines


def _answers(one: Json) -> list[str]:
    lines = ["", "| status | answer |", "|---|---|"]
    for status, answer in sorted(one["responses"].items()):
        content = answer.get("content", {}).get("application/json", {}).get("schema", {})
        shape = f" ({_type(content)})" if content else ""
        lines.append(f"| {status} | {_cell(answer['description'])}{shape} |")
    return lines


def _fields(schema: Json, spec: Json, prefix: str = "") -> list[str]:
    head = [] if prefix else ["| field | takes | what it says |", "|---|---|---|"]
    return head + list(_rows(schema, prefix))


def _rows(schema: Json, prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        notes = "**required** " if name in required else ""
        if "default" in field and not isinstance(field["default"], dict):
            notes += f"default `{field['default']}` "
        yield f"| `{prefix}{name}` | {_type(field)} | {_cell(notes + field.get('description', '').split(chr(10))[0])} |"
        for inner in _objects(field):
            yield from _rows(inner, f"{prefix}{name}.")


def _objects(field: Json) -> Iterator[Json]:
    for choice in (field, *field.get("anyOf", ()), *field.get("oneOf", ()), field.get("items", {})):
        if choice.get("properties"):
            yield choice


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name})"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(one) for one in choices if one.get("type") != "null"))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [
        f"{words} {schema[key]:,}"
        for key, words in (("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most"))
        if key in schema
    ]
    return " ".join([str(schema.get("type", "any")), *limits, *(["characters"] if "maxLength" in schema else [])])


def _anchor(method: str, path: str) -> str:
    return method + "".join(letter if letter.isalnum() else "-" for letter in path)


def _words(option: click.Option) -> str:
    return ", ".join(option.type.choices) if isinstance(option.type, click.Choice) else ""


def _default(value: object) -> str:
    """A setting's default, as it is written into its variable. None of the secrets has one that is secret."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    text = ",".join(map(str, sorted(value))) if isinstance(value, frozenset) else str(value)
    return "" if text in ("", "None", "()", "[]") else f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def main() -> None:
    """Print one page: ``python -m tools.reference_pages api``."""
    made: Mapping[str, str] = pages()
    sys.stdout.write(made[sys.argv[1]])


if __name__ == "__main__":
    main()
