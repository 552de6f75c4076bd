"""Read the contract's YAML with the line of every key, and turn validation errors into messages that teach."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from invoice_anomalies.errors import ContractError

Where = tuple[str | int, ...]

REMEDIES = {
    "missing": "add this key",
    "literal_error": "use one of the values named",
    "string_type": "write a text; quote it if it looks like a number or a date",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "list_type": "write a list: [first, second] or one '- item' a line",
    "model_type": "indent the keys that belong to it below it",
    "dict_type": "indent the keys that belong to it below it",
}
WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a key of the contract",
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong at one place of the contract, and what to do about it."""

    where: Where
    problem: str
    remedy: str


@dataclass(frozen=True)
class Document:
    """A YAML file as plain data, with the line on which each key or item stands."""

    path: Path
    data: Any
    lines: dict[Where, int]

    def line(self, where: Where) -> int:
        """Line of a place, or of the nearest place above it that is in the file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read_yaml(path: Path) -> Document:
    """Read a YAML file; raise ContractError where it is absent, not YAML, or names a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, (), path)) if root else {}
        return Document(path, yaml.safe_load(text) or {}, lines)
    except FileNotFoundError:
        raise ContractError(
            f"{path}: no contract here; set INVOICES_CONTRACT to the file that describes your invoices"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}, line {line}: not YAML: {error.problem}; check indentation and quotes") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContractError(f"{path}: not YAML in UTF-8: {error}; save it as UTF-8 text") from None


def _lines(node: yaml.Node, where: Where, path: Path) -> Iterator[tuple[Where, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ContractError(
                    f"{path}, line {line}, {_dotted((*where, key.value))}: named twice; keep one of the two"
                )
            seen.add(key.value)
            yield (*where, key.value), line
            yield from _lines(value, (*where, key.value), path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*where, index), item.start_mark.line + 1
            yield from _lines(item, (*where, index), path)


def report(document: Document, error: ValidationError, model: type[BaseModel]) -> str:
    """One line for each mistake: file, line, key, what is wrong, remedy."""
    mistakes = [mistake for problem in error.errors() for mistake in _mistakes(problem, model)]
    return "\n".join(
        f"{document.path}, line {document.line(m.where)}, {_dotted(m.where) or 'contract'}: {m.problem}; {m.remedy}"
        for m in mistakes
    )


def _mistakes(problem: Any, model: type[BaseModel]) -> list[Mistake]:
    kind, where = problem["type"], tuple(part for part in problem["loc"] if part not in ("float", "date", "[key]"))
    if kind == "value_error":
        cause = problem["ctx"]["error"].args[0]
        if isinstance(cause, list):
            return cause
        what, _, remedy = str(cause).partition("; ")
        return [Mistake(where, what, remedy or "see docs/contract.md")]
    got = problem["input"]
    words = WORDS.get(kind) or f"{problem['msg'][0].lower()}{problem['msg'][1:]}, got {got!r:.80}"
    remedy = REMEDIES.get(kind) or "see docs/contract.md"
    if kind == "extra_forbidden":
        remedy = _nearest(str(where[-1]), _keys(model, where[:-1]))
    return [Mistake(where, words, remedy)]


def _keys(model: Any, where: Where) -> list[str]:
    """Keys that the contract knows at this place."""
    for part in where:
        fields = getattr(model, "model_fields", None)
        if fields is None or part not in fields:
            # An item of a list or of a mapping: its own model is the one the annotation holds.
            continue
        model = next((m for m in _models(fields[part].annotation)), model)
    return list(getattr(model, "model_fields", {}))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "remove it, or use one of: " + ", ".join(known)


def _dotted(where: Where) -> str:
    return ".".join(str(part) for part in where)
