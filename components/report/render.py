"""Fills the page's template: everything is inlined, and only our own scripts may run."""

import base64
import hashlib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def render_page(values: dict[str, Any], sample_chars: int) -> str:
    """Returns the HTML page.

    All text is escaped by Jinja. As a second wall the Content-Security-Policy names the hashes of our scripts, so that
    a browser runs no other, and forbids every request to the network.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "thousands": lambda n: f"{n:,}",
        "number": lambda x: f"{x:,}" if isinstance(x, int) else f"{x:,.4g}",
        "percent": lambda x: f"{100 * x:.1f}%",
        "fixed": lambda x: f"{x:.2f}",
        "signed": lambda x: f"{x:+.4f}",
        "p": lambda x: "none" if x is None else "< 0.0001" if x < 0.0001 else f"{x:.4f}",
        "round4": lambda x: "none" if x is None else f"{x:.4f}",
        "short": lambda x: f"{x:.4g}",
        "cut": lambda text: text if len(text) <= sample_chars else f"{text[:sample_chars]} [cut, {len(text)} characters in all]",
    }
    scripts = [_read("vendor/uPlot.iife.min.js"), _read("templates/report.js"), _read("templates/errors.js")]
    return environment.get_template("report.html.j2").render(
        css=Markup(_read("vendor/uPlot.min.css") + _read("templates/style.css")),
        scripts=[Markup(s) for s in scripts],
        script_hashes=" ".join(_csp_hash(s) for s in scripts),
        **values,
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
