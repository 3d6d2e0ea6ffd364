"""Visitors of the demonstration: who they are, where they may go, how they look at it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from springtide.services import demo, demo_counter, demo_purse, demo_store
from tests.pages.browser import DESK, PATIENCE_MS, PHONE
from tests.pages.steps import enter

PUBLIC = {
    "start": "/",
    "reserve": "/p/demo",
    "patterns": "/patterns",
    "missing": "/p/nowhere",
    "member-login": "/m/demo/login",
    "console-login": "/login",
    "store-login": f"/s/demo/{demo_store.MERCHANT}/login",
    "store-public": f"/p/demo/stores/{demo_store.MERCHANT}",
    "console-enrol": "/login/enrol",
}
MEMBER = {
    "member-home": "/m/demo",
    "member-lots": "/m/demo/lots",
    "member-lot": "/m/demo/lots/155",
    "member-orders": "/m/demo/orders",
    "member-wallet": "/m/demo/wallet",
    "member-disclosure": "/m/demo/disclosure",
    "member-account": "/m/demo/account",
    "member-cash-out": "/m/demo/cash-out?points=1",
    "member-cash-out-refused": "/m/demo/cash-out?points=99",
    "member-withdraw": "/m/demo/withdraw?amount=0.50",
    "member-withdraw-refused": "/m/demo/withdraw?amount=99999",
    "member-withdrawals": "/m/demo/withdrawals",
    "member-withdrawal": f"/m/demo/withdrawals/{demo_purse.ASKED}",
    "member-earnings": "/m/demo/earnings",
    "member-earnings-why": "/m/demo/earnings/cd000475",
    "member-invite": "/m/demo/invite",
    "member-invited": "/m/demo/invited",
    "member-redeem": "/m/demo/redeem?points=0.1",
    "member-order": "/m/demo/orders/cd000155",
    "member-notices": "/m/demo/notices",
    "member-delete": "/m/demo/delete",
    "member-left": "/m/demo/left",
}
CONSOLE = {
    "console-overview": "/console/demo",
    "console-members": "/console/demo/members",
    "console-member": f"/console/demo/members/{demo.MEMBER}",
    "console-statement": f"/console/demo/statements/{demo.MEMBER}",
    "console-members-none": "/console/demo/members?q=zz",
    "console-orders": "/console/demo/orders",
    "console-order": "/console/demo/orders/cd001425",
    "console-prices": "/console/demo/prices",
    "console-audit": "/console/demo/audit",
    "console-log": "/console/demo/log",
    "console-withdrawals": "/console/demo/withdrawals",
    "console-withdrawal": "/console/demo/withdrawals/demo-withdrawal-6",
    "console-withdrawal-paid": f"/console/demo/withdrawals/{demo_purse.PAID}",
    "console-withdrawals-settled": "/console/demo/withdrawals?group=settled",
    "console-cash-outs": "/console/demo/cash-outs",
    "console-together": "/console/demo/together?tick=demo-withdrawal-6",
    "console-payouts": "/console/demo/payouts",
    "console-batch": "/console/demo/payouts/demo",
    "console-refund": "/console/demo/refunds/tea-2?amount=10",
    "console-merchants": "/console/demo/merchants",
    "console-merchant": "/console/demo/merchants/teahouse",
    "console-merchant-applied": "/console/demo/merchants/bakery",
    "console-agents": "/console/demo/agents?below=33",
    "console-agent": "/console/demo/agents/hangzhou",
    "console-appoint": "/console/demo/appoint?member=c00001&region=31&contract=shanghai",
    "console-commissions": "/console/demo/commissions",
    "console-commissions-none": "/console/demo/commissions?kind=territory",
    "console-why": "/console/demo/why/cd001425",
    "console-dividends": "/console/demo/dividends",
    "console-levels": "/console/demo/levels",
    "console-policy": "/console/demo/policy",
    "console-policy-edit": "/console/demo/policy/edit",
    "console-policy-version": "/console/demo/policy/versions/1",
    "console-policy-draft": "/console/demo/policy/drafts/1",
    "console-simulator": "/console/demo/simulator",
    "console-switches": "/console/demo/switches",
    "console-switch": "/console/demo/switches/purchases",
    "console-profile": "/console/demo/profile",
    "console-staff": "/console/demo/staff",
    "console-staff-one": "/console/demo/staff/demo-owner",
    "console-keys": "/console/demo/keys",
    "console-webhooks": "/console/demo/webhooks",
    "console-account": "/console/demo/account",
}
STORE_HOME = f"/s/demo/{demo_store.MERCHANT}"
STORE = {
    "store-till": STORE_HOME,
    "store-card": f"{STORE_HOME}/card",
    "store-sales": f"{STORE_HOME}/sales",
    "store-redeem": f"{STORE_HOME}/redeem",
    "store-statement": f"{STORE_HOME}/statement",
    "store-customers": f"{STORE_HOME}/customers",
    "store-more": f"{STORE_HOME}/more",
}
Look = Literal["light", "dark"]

EVERY = {"": PUBLIC, "member": MEMBER, "staff": CONSOLE, "store": STORE}
"""Every page by its name: without a log-in, of the member, of the staff, of a store."""


class Visits:
    """Browser windows on the demonstration, logged in where that is needed."""

    def __init__(self, browser: Browser, url: str, states: dict[str, Any]) -> None:
        """`states` are the cookies of those who logged in before, and of those who will."""
        self._browser = browser
        self._url = url
        self._states = states
        self.doors = dict(DOORS)
        states[""] = None

    @contextmanager
    def window(
        self, who: str = "", language: str = "en", size: str = "phone", look: Look = "light"
    ) -> Iterator[Page]:
        """A page whose messages and errors are looked at when it closes: there are none."""
        context = self._context(language, size, look, self._state(who))
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        yield page
        context.close()
        # Chromium reports the status of a page that is refused on purpose.
        said = [line for line in said if "Failed to load resource" not in line]
        assert not said, said

    def _context(self, language: str, size: str, look: Look, state: Any) -> BrowserContext:
        phone = size == "phone"
        context = self._browser.new_context(
            base_url=self._url,
            viewport=PHONE if phone else DESK,
            is_mobile=phone,
            has_touch=phone,
            color_scheme=look,
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="UTC",
            storage_state=state,
        )
        context.set_default_timeout(PATIENCE_MS)
        return context

    def _state(self, who: str) -> Any:
        """The cookies of somebody who logged in, once for all windows."""
        if who not in self._states:
            context = self._context("en", "desk", "light", None)
            page = context.new_page()
            self.doors[who](page)
            self._states[who] = context.storage_state()
            context.close()
        return self._states[who]


def log_in_member(page: Page, phone: str = demo.PHONE) -> None:
    """By the code that the demonstration shows."""
    page.goto("/m/demo/login")
    enter(page, phone)
    page.wait_for_url(re.compile("/m/demo$"))


def log_in_store(page: Page) -> None:
    """By the number and the code that the demonstration shows."""
    page.goto(STORE_HOME)
    enter(page, demo_store.PHONE)
    page.wait_for_url(re.compile(f"{STORE_HOME}$"))


def log_in_reviewer(page: Page) -> None:
    """As the second person."""
    log_in_staff(page, demo_counter.REVIEWER, "#demo-code-reviewer")


def log_in_staff(page: Page, name: str = demo.STAFF, code: str = "#demo-code") -> None:
    """By what the demonstration shows."""
    page.goto("/login")
    page.fill("#name", name)
    page.fill("#password", demo.PASSWORD)
    page.fill("#code", page.inner_text(code))
    page.click("main button")
    page.wait_for_url(re.compile("/console/demo$"))


DOORS: dict[str, Callable[[Page], None]] = {
    "member": log_in_member,
    "reviewer": log_in_reviewer,
    "staff": log_in_staff,
    "store": log_in_store,
}
"""How each visitor gets in."""
