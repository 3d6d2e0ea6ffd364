"""Every page of docs/algorithms/ is in its index, and every rule of a page is run."""

from pathlib import Path

import pytest

from tests.spec import PAGES, read_page, sections, worked_examples

NAMES = sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README")
RULES = [(page, rule) for page in NAMES for rule in sections(page) if rule]


def test_the_index_names_every_page() -> None:
    lines = read_page("README").splitlines()
    named = [line.split("]")[0].removeprefix("* [") for line in lines if line.startswith("* [")]
    assert sorted(named) == [f"{page}.md" for page in NAMES]


@pytest.mark.parametrize(("page", "rule"), RULES)
def test_every_rule_has_one_table_and_a_test(page: str, rule: str) -> None:
    assert worked_examples(page, rule)
    blocks = sections(page)[rule].split("\n\n")
    assert sum(block.startswith("|") for block in blocks) == 1
    tests = Path(__file__).with_name(f"test_algorithms_{page}.py")
    assert f'"{rule}"' in tests.read_text(encoding="utf-8")
