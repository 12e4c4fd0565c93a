"""The API's reference as one HTML page, made from the OpenAPI document. Pure."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from lensora.contract.problems import MEANINGS
from lensora.rpc.status import statuses

Json = dict[str, Any]


def render_reference(api: Json, public_url: str) -> str:
    """The page.

    Args:
        api: the OpenAPI document.
        public_url: for the examples.
    """
    operations = [
        (path, method, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]
    tags = [tag["name"] for tag in api["tags"]]
    groups = {tag: [entry for entry in operations if entry[2]["tags"] == [tag]] for tag in tags}
    menu = "".join(
        f"<h2>{escape(tag.capitalize())}</h2><ul>"
        + "".join(f'<li><a href="#{op["operationId"]}">{escape(op["summary"])}</a></li>' for _, _, op in entries)
        + "</ul>"
        for tag, entries in groups.items()
    )
    body = "".join(_operation(path, method, op, api) for tag in tags for path, method, op in groups[tag])
    schemas = "".join(
        f'<section class="card" id="{name}"><h3>{escape(name)}</h3>{_about(schema)}{_properties(schema)}</section>'
        for name, schema in api["components"]["schemas"].items()
    )
    intro = "".join(f"<p>{escape(text)}</p>" for text in api["info"]["description"].split("\n\n"))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(api["info"]["title"])}</title>
<link rel="icon" href="/web/icon.svg"><link rel="stylesheet" href="/web/studio.css"></head>
<body class="reference"><header class="bar"><a class="brand" href="/">
<img src="/web/icon.svg" alt="" width="28" height="28">Lensora Studio</a>
<nav><a href="/">Studio</a><a href="/openapi.json">openapi.json</a></nav></header>
<div class="columns"><aside>{menu}<h2>More</h2><ul><li><a href="#errors">Errors</a></li>
<li><a href="#schemas">Shapes</a></li></ul></aside><main>
<h1>{escape(api["info"]["title"])}</h1><p class="lead">{escape(api["info"]["summary"])}</p>{intro}
<p>Base URL <code>{escape(public_url)}</code>; every call carries
<code>Authorization: Bearer &lt;API key&gt;</code>.</p>
<pre><code>{escape(_example(public_url))}</code></pre>
{body}
<h2 id="errors">Errors</h2><p>Errors are <code>application/problem+json</code> (RFC 9457). Programs branch on
<code>code</code>; <code>detail</code> is a sentence for a person; <code>request_id</code> is also in
<code>X-Request-Id</code>. Nothing is charged on an error.</p>
<div class="scroll"><table><thead><tr><th>Status</th><th>Code</th><th>When</th></tr></thead><tbody>{_errors()}</tbody>
</table></div>
<h2 id="schemas">Shapes</h2>{schemas}
</main></div></body></html>
"""


def _example(public_url: str) -> str:
    return (
        f'curl -X POST {public_url}/v1/studio/init \\\n  -H "Authorization: Bearer $LENSORA_KEY" \\\n'
        '  -F "image=@photo.jpg" -F "max_objects=6"\n\n'
        f'curl -X POST {public_url}/v1/studio/transform \\\n  -H "Authorization: Bearer $LENSORA_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        '  -d \'{"session_id": "...", "object_index": 0, "camera_preset": "turntable",\n'
        '       "background": {"type": "prompt", "prompt": "on a marble countertop with soft natural light"}}\''
    )


def _operation(path: str, method: str, operation: Json, api: Json) -> str:
    parameters = "".join(
        _row(parameter["name"], parameter["schema"], parameter.get("description", ""), f"in {parameter['in']}")
        for parameter in operation.get("parameters", ())
    )
    parts = [f"<h4>Parameters</h4>{_table(parameters)}"] if parameters else []
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h4>Body <code>{escape(media_type)}</code></h4>{_shape(content['schema'], api)}")
    answers = "".join(
        f'<li><span class="status s{status[0]}">{status}</span> {escape(answer["description"])} '
        f"{_answer_link(answer)}</li>"
        for status, answer in operation["responses"].items()
    )
    parts.append(f'<h4>Answers</h4><ul class="answers">{answers}</ul>')
    description = f"<p>{escape(operation['description'])}</p>" if operation.get("description") else ""
    return (
        f'<section class="card" id="{operation["operationId"]}"><h3>{escape(operation["summary"])}</h3>'
        f'<p class="path"><span class="method {method}">{method.upper()}</span> <code>{escape(path)}</code></p>'
        f"{description}{''.join(parts)}</section>"
    )


def _shape(schema: Json, api: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return _properties(api["components"]["schemas"][name])
    return _properties(schema)


def _properties(schema: Json) -> str:
    required = schema.get("required", [])
    rows = "".join(
        _row(name, field, field.get("description", ""), "required" if name in required else "")
        for name, field in schema.get("properties", {}).items()
    )
    return _table(rows)


def _table(rows: str) -> str:
    return f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>' if rows else ""


def _row(name: str, schema: Json, description: str, note: str) -> str:
    notes = [note] if note else []
    if "default" in schema and schema["default"] is not None:
        notes.append(f"default {json.dumps(schema['default'])}")
    marks = "".join(f" <em>{escape(text)}</em>" for text in notes)
    return f"<tr><td><code>{escape(name)}</code>{marks}</td><td>{_type(schema)}</td><td>{escape(description)}</td></tr>"


def _type(schema: Json) -> str:
    """A field's type in a few words, with links to other shapes."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f'<a href="#{name}">{escape(name)}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(_type(option) for option in schema[choice] if option.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [
        f"{words} {schema[key]:,}"
        for key, words in (
            ("minimum", "from"),
            ("maximum", "to"),
            ("minLength", "at least"),
            ("maxLength", "at most"),
        )
        if key in schema
    ]
    unit = " characters" if "maxLength" in schema else ""
    return escape(" ".join([str(schema.get("type", "any")), *limits]) + unit)


def _about(schema: Json) -> str:
    return f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""


def _answer_link(answer: Json) -> str:
    for content in answer.get("content", {}).values():
        reference = content.get("schema", {}).get("$ref", "")
        if reference and not reference.endswith("Problem"):
            return _type(content["schema"])
    return ""


def _errors() -> str:
    return "".join(
        f'<tr id="{cls.code}"><td>{statuses(cls)[1]}</td><td><code>{cls.code}</code><br>'
        f"<small>{escape(meaning.title)}</small></td><td>{escape(meaning.when)}</td></tr>"
        for cls, meaning in MEANINGS.items()
    )
