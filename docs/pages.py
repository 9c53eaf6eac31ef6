"""Adds to the site what is not in this folder's pages; MkDocs runs it as a hook.

`python docs/pages.py` writes the table of the config's keys into config/README.md.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from noisynames.config import SCHEMA, Schema, allowed, read_schema
from noisynames.reporting import drawing
from noisynames.reporting.figures import workflow
from noisynames.reporting.figures.look import Look

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "config/README.md"
BESIDE = {"README.md": "index.md", "config/README.md": "configuration.md"}
"""Pages outside this folder, and the site's pages that replace them."""


def table() -> str:
    """Return the table of all keys of a config, in Markdown, from the schema."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for key, part in keys(read_schema(SCHEMA)):
        shown = _default(part["default"]) if "default" in part else "needed"
        may_be = "a mapping" if part.get("type") == "object" else allowed(part)
        lines.append(f"| `{key}` | {shown} | {part['description']} *Allowed: {may_be}.* |")
    return "\n".join(lines) + "\n"


def keys(schema: Schema, above: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every key that a config may set, with its part of the schema, in the schema's order."""
    for name, part in schema["properties"].items():
        of_all = part.get("additionalProperties")
        if isinstance(of_all, Mapping):  # keys of every model
            yield f"{above}{name}", part
            yield from keys(of_all, f"{above}{name}.<name>.")
        elif "properties" in part and name != "sweep":  # whose keys are those of the model
            yield from keys(part, f"{above}{name}.")
        else:
            yield f"{above}{name}", part


def _default(value: Any) -> str:
    if isinstance(value, dict) and value:
        return "the four below"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`".replace('"', "")


def with_table(text: str) -> str:
    """Return the page on configuration with an up-to-date table."""
    return re.sub(r"^\| key \|.*?\n(?=\n)", lambda _: table(), text, flags=re.M | re.S)


def for_site(text: str, page: str) -> str:
    """Return a page with links adapted to the site, without those to files that it lacks.

    Args:
        text: The page in Markdown.
        page: Its path from the root of the repository.
    """

    def link(match: re.Match[str]) -> str:
        words, path, anchor = match.groups()
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        there = BESIDE.get(there, there.removeprefix("docs/"))
        return words if "/" in there else f"[{words}]({there}{anchor or ''})"

    return re.sub(r"\[([^\]]*)\]\((?!\w+:)([^)#]+)(#[^)]*)?\)", link, text)


def rules() -> str:
    """Return the rules of the workflow as an SVG: unlike GitHub, the site cannot draw Mermaid."""
    drawn = drawing.svg_of(lambda: workflow.rules({}, {}, Look([], {})), "rules")
    return f"<figure>{drawn}</figure>"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside this folder; MkDocs calls this before reading any."""
    text = with_table(CONFIGURATION.read_text(encoding="utf-8"))
    page = for_site(text, "config/README.md")
    files.append(File.generated(config, "configuration.md", content=page))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Adapt a page to the site; MkDocs calls this before rendering it."""
    drawn = re.sub(r"^```mermaid\n.*?^```", lambda _: rules(), markdown, flags=re.M | re.S)
    return for_site(drawn, f"docs/{page.file.src_uri}")


if __name__ == "__main__":
    CONFIGURATION.write_text(
        with_table(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8"
    )
