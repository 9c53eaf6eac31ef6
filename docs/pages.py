"""What the site has beside the pages in this folder; MkDocs runs it as a hook.

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
"""Pages that lie outside of this folder, and what stands for them in the site."""


def table() -> str:
    """Return the table of all keys of a config, in Markdown, as the schema has them."""
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
        if isinstance(of_all, Mapping):  # of every model
            yield f"{above}{name}", part
            yield from keys(of_all, f"{above}{name}.<name>.")
        elif "properties" in part and name != "sweep":  # whose keys are those of its model
            yield from keys(part, f"{above}{name}.")
        else:
            yield f"{above}{name}", part


def _default(value: Any) -> str:
    if isinstance(value, dict) and value:
        return "the four below"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`".replace('"', "")


def with_table(text: str) -> str:
    """Return the page on configuration with the table of now."""
    return re.sub(r"^\| key \|.*?\n(?=\n)", lambda _: table(), text, flags=re.M | re.S)


def for_site(text: str, page: str) -> str:
    """Return a page with its links as the site has them, without those to files that it lacks.

    Args:
        text: In Markdown.
        page: Where it lies, from the root of the repository.
    """

    def link(match: re.Match[str]) -> str:
        words, path, anchor = match.groups()
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        there = BESIDE.get(there, there.removeprefix("docs/"))
        return words if "/" in there else f"[{words}]({there}{anchor or ''})"

    return re.sub(r"\[([^\]]*)\]\((?!\w+:)([^)#]+)(#[^)]*)?\)", link, text)


def rules() -> str:
    """Return the rules of the workflow as an SVG: the site has no Mermaid, which GitHub draws."""
    drawn = drawing.svg_of(lambda: workflow.rules({}, {}, Look([], {})), "rules")
    return f"<figure>{drawn}</figure>"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere, as MkDocs asks before it reads any."""
    text = with_table(CONFIGURATION.read_text(encoding="utf-8"))
    page = for_site(text, "config/README.md")
    files.append(File.generated(config, "configuration.md", content=page))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make a page fit for the site, as MkDocs asks before it renders one."""
    drawn = re.sub(r"^```mermaid\n.*?^```", lambda _: rules(), markdown, flags=re.M | re.S)
    return for_site(drawn, f"docs/{page.file.src_uri}")


if __name__ == "__main__":
    CONFIGURATION.write_text(
        with_table(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8"
    )
