"""The notebook runs, and prints what it says that it prints."""

from copy import deepcopy
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.spec import PAGES

NOTEBOOK = PAGES.parent / "notebooks" / "simulate.ipynb"


def printed(notebook: Any) -> list[str]:
    """What each of its cells of code prints, errors and all."""
    return [
        "".join(output.get("text", str(output)) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_prints_what_it_says() -> None:
    read: Any = nbformat.read
    kept = read(NOTEBOOK, as_version=4)
    nbformat.validate(kept)
    run = deepcopy(kept)
    for cell in run.cells:
        cell.pop("outputs", None)
        cell.outputs = []
    NotebookClient(run, timeout=120).execute()
    assert printed(run) == printed(kept)
    assert all(printed(kept))
