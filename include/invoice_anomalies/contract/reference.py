"""Write the reference of the contract from its typed form, so that the two cannot differ.

    python -m invoice_anomalies.contract.reference

writes docs/contract.md (introduction.md, then a table of keys for each part) and docs/contract.schema.json.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoice_anomalies.contract.fields import Name
from invoice_anomalies.contract.schema import Cron, Email, json_schema
from invoice_anomalies.paths import PROJECT

INTRODUCTION = Path(__file__).with_name("introduction.md")
REFERENCE = PROJECT / "docs" / "contract.md"
SCHEMA = PROJECT / "docs" / "contract.schema.json"

# The parts in the order of the contract: where the part stands, and its name in the schema.
PARTS = {
    "": "Contract",
    "extract": "Extract",
    "fields.<name>": "InvoiceField",
    "derived.<name>": "DerivedField",
    "validation": "Validation",
    "validation.rows": "Rows",
    "validation.expectations[]": "Expectation",
    "detection": "Detection",
    "schedule": "Schedule",
    "report": "Report",
}
HEADINGS = {"": "Top level"}
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
LISTED = {
    "text": "texts",
    "number": "numbers",
    "whole number": "whole numbers",
    "mail address": "mail addresses",
    "date (YYYY-MM-DD)": "dates (YYYY-MM-DD)",
}
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
# What a pattern asks for, in words.
PATTERNS = {
    Name: "name of lower-case letters, digits and _ that begins with a letter and has at most 59 characters",
    Cron: "cron expression of five parts",
    Email: "mail address",
}


def reference() -> str:
    """The whole of docs/contract.md."""
    schema = json_schema()
    parts = {"Contract": schema, **schema["$defs"]}
    lines = [INTRODUCTION.read_text(encoding="utf-8").rstrip(), ""]
    for where, name in PARTS.items():
        lines += [f"### {HEADINGS.get(where) or f'`{where}`'}", "", parts[name]["description"], ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|", *_rows(parts[name]), ""]
    return "\n".join(lines)


def schema_text() -> str:
    """The whole of docs/contract.schema.json."""
    return json.dumps(json_schema(), indent=2) + "\n"


def write() -> None:
    """Bring both files up to date."""
    REFERENCE.write_text(reference(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")


def _rows(part: dict[str, Any]) -> Iterator[str]:
    required = part.get("required", [])
    for key, entry in part["properties"].items():
        default = "**required**" if key in required else _default(entry)
        # A part says what it is for in its own section.
        meaning = entry.get("description") or f"See `{key}` below."
        yield f"| `{key}` | {_cell(_type(entry))} | {_cell(default)} | {_cell(meaning)} |"


def _type(entry: dict[str, Any]) -> str:
    """The type of a value in words, with its limits."""
    if "$ref" in entry:
        return "keys below"
    if "anyOf" in entry:
        return " or ".join(_type(each) for each in entry["anyOf"] if each.get("type") != "null")
    if "enum" in entry or "const" in entry:
        return ", ".join(f"`{value}`" for value in entry.get("enum", [entry.get("const")]))
    words = {"array": _list, "object": _mapping}.get(entry.get("type", ""), _plain)(entry)
    limits = [text.format(entry[limit]) for limit, text in LIMITS.items() if limit in entry]
    return ", ".join([words, *limits])


def _list(entry: dict[str, Any]) -> str:
    if "$ref" in entry["items"]:
        return "list of rules with the keys below"
    item = _type(entry["items"])
    return f"list of {LISTED.get(item, item)}"


def _mapping(entry: dict[str, Any]) -> str:
    if entry.get("additionalProperties") is True:
        return "arguments by name"
    return f"fields by name (each a {PATTERNS[Name]}), with the keys below"


def _plain(entry: dict[str, Any]) -> str:
    for kind, words in PATTERNS.items():
        if entry.get("pattern") == kind.__metadata__[0].pattern:  # type: ignore[attr-defined]
            return words
    if entry.get("format") == "date":
        return "date (YYYY-MM-DD)"
    return "one character" if entry.get("maxLength") == 1 else WORDS[entry["type"]]


def _default(entry: dict[str, Any]) -> str:
    if "$ref" in entry:
        return "the defaults below"
    default = entry.get("default", {"array": [], "object": {}}.get(entry.get("type", "")))
    return "none" if default in (None, "", [], {}) else f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write()
