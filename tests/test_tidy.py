"""House rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest
import typer.main

from springtide.cli.main import app
from springtide.core import refusals

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("src", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_functions_fit_on_one_screen_and_files_in_one_room(path: Path) -> None:
    text = read(str(path))
    assert len(text.splitlines()) <= 400, f"{path} is longer than 400 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno - docstring.count("\n")
            assert length <= 60, f"{path}:{node.lineno} {node.name} has {length} lines"


def test_every_module_has_a_room_in_the_architecture() -> None:
    rooms = read("ARCHITECTURE.md")
    for path in (ROOT / "src" / "springtide").glob("*/*.py"):
        if not path.stem.startswith("__"):
            assert path.stem in rooms, f"{path.parent.name}/{path.stem} has no room"


def test_every_command_is_in_the_readme() -> None:
    readme = read("README.md")
    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    for name, command in group.commands.items():
        for verb in getattr(command, "commands", {"": None}):
            assert f"{name} {verb}".strip() in readme, f"{name} {verb} is not in the README"


def test_every_refusal_is_in_the_documentation() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "algorithms").glob("*.md"))
    for refusal in refusals.Refusal.__subclasses__():
        assert f"`{refusal.code}`" in pages, f"{refusal.code} is not in docs/algorithms"


def test_every_decision_is_in_the_index() -> None:
    index = read("docs/decisions/README.md")
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f"({page.name})" in index, f"{page.name} is not in the index"
        assert len(page.read_text().splitlines()) <= 60, f"{page.name} is longer than a page"


def test_every_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
