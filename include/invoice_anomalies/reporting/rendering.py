"""Templates to text and HTML. Every value that a template prints is tidied, and in HTML escaped, without asking."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from invoice_anomalies.text import Line, columns, one_line, wrapped

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701 - the plain text part must not be escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_tidy,
    )
    environment.filters.update(wrapped=wrapped, columns=columns)
    return environment


def _tidy(value: Any) -> Any:
    """Tidy what a template prints, unless it is safe HTML or a laid-out line; autoescape follows after this."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, (Markup, Line)) else value


def render(name: str, **values: Any) -> tuple[str, str]:
    """Render `<name>.txt.jinja` and `<name>.html.jinja` with the same values; return text and HTML."""
    text = _environment(False).get_template(f"{name}.txt.jinja").render(**values).strip() + "\n"
    html = _environment(True).get_template(f"{name}.html.jinja").render(**values)
    return text, html
