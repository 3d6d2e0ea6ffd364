"""Which tests run on the same worker, one after the other, and which begin first."""

from xdist.scheduler import LoadScopeScheduling

KERNELS = (
    "tests/simulation/", "tests/cli/test_simulate.py", "tests/pages/test_simulation_report.py",
    "tests/core/test_algorithms_simulation.py",
)  # fmt: skip
"""Tests of compiled kernels: whoever comes first compiles them, which takes half a minute."""

PAGES = (
    (
        "tests/pages/test_every_page.py", "tests/pages/test_addresses.py",
        "tests/pages/test_console_house.py", "tests/pages/test_sheets.py",
        "tests/pages/test_stories.py", "tests/pages/test_weight.py",
    ),
    (
        "tests/pages/test_whole_story.py", "tests/pages/test_console_money.py",
        "tests/pages/test_member_second.py", "tests/pages/test_merchant.py",
        "tests/pages/test_console_office.py",
    ),
)  # fmt: skip
"""Tests in a browser, in two halves that take as long; each half shares a demonstration."""

GROUPS = {"kernels": KERNELS, "pages": PAGES[0], "more pages": PAGES[1]}

LONGEST = (
    *PAGES[1], *PAGES[0], *KERNELS, "tests/services/test_cdnow.py", "tests/core/test_laws.py",
    "tests/web/test_contract.py", "tests/web/test_webhooks.py", "tests/services/test_kill.py",
    "tests/core/test_no_free_profit.py", "tests/web/test_life.py", "tests/web/test_kill.py",
    "tests/storage/test_embedded.py", "tests/services/test_writer.py",
    "tests/services/test_lapses.py",
)  # fmt: skip
"""What takes long begins first, in this order, so that all workers end together."""


def rank(nodeid: str) -> int:
    """The place of a test in the order in which tests begin."""
    for place, prefix in enumerate(LONGEST):
        if nodeid.startswith(prefix):
            return place
    return len(LONGEST)


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file goes to a worker as a whole; a group of files goes to the same worker.

    The mark `xdist_group` would say as much, if it were not ignored without a word by
    pytest-xdist 3.8 under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        for group, prefixes in GROUPS.items():
            if nodeid.startswith(prefixes):
                return group
        return nodeid.split("::", 1)[0]
