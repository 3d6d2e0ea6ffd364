"""The office in the console: a policy from draft to effect, simulations, the house."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import FilePayload, Page, expect

from springtide.core.units import MICRO, format_money
from springtide.services import controls, keys, policies, profiles, rehearsal, staff
from springtide.services.audit import audit
from springtide.services.backtest import backtest
from springtide.services.webhooks import Delivery, create_endpoint, list_deliveries
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.web.pages.console.parameters import POLICY as FORM
from springtide.web.pages.console.parameters import edit, values
from tests.pages.steps import enter_console
from tests.pages.visiting import Visits
from tests.people import PASSWORD, Person, hired, secret_of
from tests.web.serving import Service, Shop, entered, order

HERE = "/console/demo"
Form = dict[str, str | float | bool]


def hire(books: Database, *roles: str) -> Person:
    name = f"p-{secrets.token_hex(4)}"
    return hired(books, "demo", name, datetime.now(UTC), *roles)


@pytest.fixture
def owner(visits: Visits) -> Iterator[Page]:
    with visits.window("staff", size="desk") as page:
        page.goto(f"{HERE}/switches?lang=en")
        yield page


def csrf(page: Page) -> str:
    return page.get_attribute("input[name=csrf] >> nth=0", "value") or ""


def post(books: Database, *events: dict[str, object]) -> list[str]:
    """Post events; gives the codes of their refusals, empty for none."""
    with Writer(books, "demo") as writer:
        return [one.refusal.code if one.refusal else "" for one in writer.post([*events])]


def buy(id_: str) -> dict[str, object]:
    at = datetime.now(UTC).isoformat()
    return {"type": "purchase", "id": id_, "member": "office", "amount": "10.00", "at": at}


@pytest.fixture
def shop(books: Database, site: Service) -> Iterator[Shop]:
    """The demonstration by its API."""
    with entered(books, site.url, "demo") as shop:
        yield shop


def check_version(shop: Shop, page: Page, order: str, number: int) -> None:
    """An order says which version of the policy it follows, by the API and on its page."""
    assert shop.get(f"/v1/orders/{order}")["policy_version"] == number
    page.goto(f"{HERE}/orders/{order}")
    page.click(f"main >> text=Version {number}")
    page.wait_for_url(re.compile(f"/policy/versions/{number}$"))


def test_a_policy_from_draft_to_effect(
    owner: Page, visits: Visits, books: Database, shop: Shop
) -> None:
    number, text = policies.get_version(books, "demo")
    shop.orders([order("office-before", "office")])
    owner.goto(f"{HERE}/policy/edit")

    owner.fill("#split-take_rate", "1.5")
    owner.click("text=Check")
    expect(owner.locator("#split-take_rate-error")).to_contain_text("must be in 0..1")
    line = 1 + text.splitlines().index('take_rate = "0.20"')
    expect(owner.locator("#refused")).to_contain_text(f"Line {line} of the file")
    owner.fill("#split-take_rate", "0.20")
    owner.fill("#points-grant_ratio", "0.65")
    owner.click("text=Check")
    row = owner.locator("#checked tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("70 %")
    expect(row).to_contain_text("65 %")
    assert owner.input_value("#toml").strip() == text.replace('"0.70"', '"0.65"').strip()
    owner.click("text=Keep as a draft")
    owner.wait_for_url(re.compile(r"/policy/drafts/\d+$"))
    draft = policies.list_drafts(books, "demo")[-1]
    assert (draft.state, draft.made_by) == ("draft", "staff:demo-owner")

    _told_again(owner, books, draft.toml)
    owner.click("text=Submit for approval")
    expect(owner.locator(".chip").first).to_have_text("waits for approval")
    expect(owner.locator("button:text-is('Approve')")).to_have_count(0)
    forged = owner.request.post(
        f"{HERE}/policy/drafts/{draft.number}/approve", form={"csrf": csrf(owner)}
    )
    assert (forged.status, "cannot approve it" in forged.text()) == (409, True)

    ana = hire(books, "reviewer")
    with visits.window(size="desk") as page:
        enter_console(page, "demo", ana.name, PASSWORD, ana.code(datetime.now(UTC)))
        page.goto(f"{HERE}/policy/drafts/{draft.number}")
        page.click("main button:text-is('Approve')")
        expect(page.locator("header .chip")).to_contain_text(re.compile("approved|came into"))
        assert page.request.get(f"{HERE}/policy/edit").status == 403
    _wait_for_version(owner, books, number + 1)
    owner.goto(f"{HERE}/policy/drafts/{draft.number}")
    expect(owner.locator(".chip").first).to_have_text("came into effect")
    shop.orders([order("office-after", "office")])
    check_version(shop, owner, "office-before", number)
    expect(owner.locator("main dl >> nth=1")).to_contain_text("70 %")
    check_version(shop, owner, "office-after", number + 1)
    expect(owner.locator("main dl >> nth=1")).to_contain_text("65 %")
    assert audit(books, "demo").passed


def _told_again(owner: Page, books: Database, toml: str) -> None:
    """The backtest of the page is that of the service."""
    owner.click("text=Calculate the history under the draft")
    expect(owner.locator("[data-backtest]")).to_be_visible()
    assert "#" not in owner.url, "with a fragment the page would not load again by itself"
    found = backtest(books, "demo", toml)
    cells = owner.locator("[data-backtest] tr:has-text('Reserve') data")
    assert [cells.nth(at).get_attribute("value") for at in (0, 1)] == [
        format_money(found.was.reserve), format_money(found.would_be.reserve),
    ]  # fmt: skip


def _wait_for_version(page: Page, books: Database, number: int) -> None:
    for _ in range(60):
        if policies.get_version(books, "demo")[0] == number:
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"version {number} is not in effect")


def test_what_cannot_be_is_said_at_its_field(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/policy/edit")
    before = len(policies.list_drafts(books, "demo"))
    owner.fill("#toml", "[split\n")
    owner.click("text=Keep as a draft")
    expect(owner.locator("#refused")).to_contain_text("Line 1 of the file")
    assert owner.input_value("#toml") == "[split\n"
    owner.goto(f"{HERE}/policy/edit")
    owner.click("text=Keep as a draft")
    expect(owner.locator("#refused")).to_contain_text("change something")
    assert len(policies.list_drafts(books, "demo")) == before


def test_a_draft_is_kept_once_and_rejected_with_a_reason(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/policy/edit")
    text = policies.get_version(books, "demo")[1].replace('fee = "0.20"', 'fee = "0.25"')
    before = len(policies.list_drafts(books, "demo"))
    form: Form = {"csrf": csrf(owner), "id": "0" * 32, "toml": text, "do": "keep"}
    assert owner.request.post(f"{HERE}/policy/edit", form=form).ok
    assert owner.request.post(f"{HERE}/policy/edit", form=form).ok
    drafts = policies.list_drafts(books, "demo")
    assert len(drafts) == before + 1
    here = f"{HERE}/policy/drafts/{drafts[-1].number}"
    answers = [
        owner.request.post(f"{here}/{act}", form={"csrf": csrf(owner), **more}).status
        for act, more in (
            ("reject", {"reason": "too dear"}), ("submit", {}), ("approve", {"day": "soon"}),
            ("reject", {"reason": ""}), ("reject", {"reason": "too dear"}), ("withdraw", {}),
            ("nothing", {}),
        )
    ]  # fmt: skip
    assert answers == [409, 200, 409, 409, 200, 409, 404]
    owner.goto(here)
    expect(owner.locator("main")).to_contain_text("too dear")
    assert owner.request.post(f"{here}/submit", form={}).status == 403


def test_a_form_writes_only_what_was_changed() -> None:
    text = '[split]\ntake_rate = "0.20"  # agreed\nplatform = "0.1"\n'
    shown = values(text, FORM)
    form = {"toml": text.replace("\n", "\r\n")}
    for name, value in shown.items():
        form |= {name.replace(".", "-"): value, f"was-{name.replace('.', '-')}": value}
    assert edit(form, FORM).text == text
    form |= {"split-platform": "0.15", "commission-hold_days": "x", "cash_out-enabled": "false"}
    edited = edit(form, FORM)
    assert '"0.20"  # agreed\nplatform = "0.15"' in edited.text
    assert 'hold_days = "x"' in edited.text, "what is no number is left to the refusal"
    assert "enabled = false" in edited.text
    assert edited.fields["split.platform"] == "0.15"
    text = 'cap = { multiple = "2" }\n'
    odd = edit({"toml": text, "cap-multiple": "3", "was-cap-multiple": "2"}, FORM)
    assert odd.text == text
    assert list(odd.errors) == ["cap.multiple"]
    assert odd.fields["cap.multiple"] == "3", "what somebody typed is kept"


def test_a_scenario_is_played(owner: Page, tmp_path: Path) -> None:
    owner.goto(f"{HERE}/simulator?preset=growth-stops")
    owner.fill("#time-periods", "40")
    owner.fill("#orders-per_period", "5")
    owner.fill("#orders-rate", "much")
    owner.click("text=Play it")
    expect(owner.locator("#orders-rate-error")).to_contain_text("give a float")
    owner.fill("#orders-rate", "0.01")
    owner.click("text=Play it")
    expect(owner.locator("#played")).to_be_visible()
    expect(owner.locator("#played svg").first).to_be_visible()
    text = owner.locator("#toml").input_value()
    scenario, without = rehearsal.prepare(text)
    found, _ = rehearsal.rehearse(
        scenario, without_controls=without, progress=lambda periods: None
    )
    expect(owner.locator("#played .figure").first).to_contain_text(f"{found.median:.2f}")
    cells = owner.locator("#played tbody td:nth-child(2) data")
    spent = [Decimal(cell.get_attribute("value") or "") for cell in cells.all()]
    assert spent == [Decimal(one.spent) / MICRO for one in found.tenths]
    with owner.expect_download() as download:
        owner.click("text=Download the report")
    assert "A simulation, not a forecast" in download.value.path().read_text()
    for wrong, said in (
        ('[policy]\npreset = "advert-b"\n[orders]\nfile = "/etc/passwd"\n', "no files here"),
        ('[policy]\nfile = "/etc/passwd"\n', "no files here"),
        ('[policy]\npreset = "advert-b"\n[orders]\nper_period = 100000\n', "36,500,000"),
        ("[time\n", "Line 1 of the file"),
    ):
        form: Form = {"csrf": csrf(owner), "toml": wrong}
        answer = owner.request.post(f"{HERE}/simulator", form=form)
        assert (answer.status, said in answer.text()) == (422, True), said


def test_a_key_is_shown_once(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/keys")
    owner.uncheck("[name=scope-pool]")
    form_id = owner.get_attribute("input[name=id]", "value") or ""
    owner.click("button:text-is('Make the key')")
    secret = owner.inner_text("[data-secret]")
    key = keys.find_key(books, secret)
    assert key is not None
    assert sorted(key.scopes) == ["orders", "payouts", "read", "refunds"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert owner.request.get("/v1/members", headers=bearer).ok
    count = len(keys.list_keys(books, "demo"))
    form: Form = {"csrf": csrf(owner), "id": form_id, "scope-read": "on", "mode": "test"}
    again = owner.request.post(f"{HERE}/keys", form=form)
    assert secret not in again.text()
    assert len(keys.list_keys(books, "demo")) == count, "the same form makes one key"
    forged = owner.request.post(
        f"{HERE}/keys", form={**form, "id": "1" * 32, "scope-review": "on"}
    )
    assert forged.status == 404
    row = owner.locator("tr", has_text=key.id)
    row.locator("summary").click()
    row.locator("button").click()
    expect(owner.locator("tr", has_text=key.id)).to_contain_text("revoked")
    assert keys.find_key(books, secret) is None


def test_a_webhook_and_what_was_sent(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/webhooks")
    owner.fill("#url", "https://127.0.0.1/hook")
    owner.click("text=Make the webhook")
    expect(owner.locator("#url-error")).to_contain_text("give a host of the internet")
    made = create_endpoint(
        books, "demo", "http://127.0.0.1:9/hook", [], lookup=lambda _: ["127.0.0.1"],
        private=True, random_bytes=secrets.token_bytes, actor="cli", now=datetime.now(UTC),
    )  # fmt: skip
    assert post(books, buy("office-told")) == [""]
    owner.goto(f"{HERE}/webhooks/{made.id}")
    for _ in range(40):  # it may not be sent there, which is an attempt too
        if any(one.attempts for one in _sent(books, made.id)):
            break
        owner.wait_for_timeout(500)
    owner.goto(f"{HERE}/webhooks/{made.id}")
    owner.click("main tbody a >> nth=0")
    expect(owner.locator("main tbody tr").first).to_contain_text("1")
    owner.click("text=Send it again")
    expect(owner.locator("header .chip")).to_have_text("waits")
    owner.click("main dl a")
    owner.click("text=Switch off")
    expect(owner.locator("header .chip")).to_have_text("off")
    owner.click("text=Another secret")
    owner.click("text=Make another secret")
    secret = owner.inner_text("[data-secret]")
    assert secret.startswith("whsec_")
    assert secret != made.secret
    owner.goto(f"{HERE}/webhooks/{made.id}")
    assert secret not in owner.content()
    owner.click("summary:text-is('Remove')")
    owner.click("text=Yes, remove it")
    expect(owner.locator("main")).to_contain_text("No webhooks yet")
    assert owner.request.get(f"{HERE}/deliveries/we_0.1.1").status == 404


def _sent(books: Database, id_: str) -> list[Delivery]:
    return list_deliveries(books, "demo", id_, "", (10**18, 0), 10)


def test_somebody_is_invited_and_begins(owner: Page, visits: Visits, books: Database) -> None:
    name = f"new-{secrets.token_hex(4)}"
    owner.goto(f"{HERE}/staff")
    owner.fill("#name", name)
    owner.check("[name=role-auditor]")
    owner.click("button:text-is('Invite')")
    invitation = owner.inner_text("[data-secret]")
    with visits.window() as page:
        page.goto("/login/enrol")
        page.fill("#invitation", invitation)
        page.fill("#password", "short")
        page.click("main button")
        expect(page.locator("#password-error")).to_contain_text("give 12 to 256")
        page.fill("#invitation", invitation)
        page.fill("#password", PASSWORD)
        page.click("main button")
        expect(page.locator("img[src^='data:image/svg']")).to_be_visible()
        uri = page.locator("[data-uri]").text_content() or ""
        codes = page.locator("main section li").all_inner_texts()
        assert len(codes) == 10
        totp = pyotp.TOTP(secret_of(uri))
        enter_console(page, "demo", name, PASSWORD, totp.at(datetime.now(UTC)))
        page.goto(f"{HERE}/account")
        page.fill("#password", PASSWORD)
        page.fill("#code", codes[0])
        page.fill("#new", "another harbour by night")
        page.click("main button")
        expect(page.locator(".note")).to_contain_text("was changed")
        assert page.request.get(f"{HERE}/staff").status == 403
        assert page.request.get(f"{HERE}/log").status == 200
        owner.click(f"a:text-is('{name}')")
        owner.uncheck("[name=role-auditor]")
        owner.check("[name=role-developer]")
        owner.click("text=Change the roles")
        owner.wait_for_url(re.compile("/staff$"))
        found = staff.find_in_program(books, "demo", name)
        assert found is not None
        assert found.roles == ["developer"]
        page.goto(f"{HERE}/log")
        page.wait_for_url(re.compile("/login$"))
    last = owner.request.post(f"{HERE}/staff/demo-owner", form={"csrf": csrf(owner)})
    assert (last.status, "last owner" in last.text()) == (409, True)


def test_a_document_is_hashed_and_put_on_file(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/profile")
    content = secrets.token_bytes(200_000)
    fields = {"number": "L-1", "issuer": "the authority", "valid_from": "2026-01-01"}
    for name, value in fields.items():
        owner.fill(f"#{name}", value)
    owner.select_option("#feature", "levels")
    owner.click("text=Record it")
    expect(owner.locator("#file-error")).to_contain_text("Choose the file")
    assert owner.input_value("#number") == "L-1"
    owner.fill("#expires_on", "2030-12-31")
    pdf = "application/pdf"
    file: FilePayload = {"name": "licence.pdf", "mimeType": pdf, "buffer": content}
    owner.set_input_files("#file", [file])
    owner.click("text=Record it")
    expect(owner.locator("main")).to_contain_text("licence of an authority L-1")
    row = profiles.list_evidence(books, "demo")[-1]
    assert row.file_hash == hashlib.sha256(content).digest()
    assert (row.feature, row.recorded_by) == ("levels", "staff:demo-owner")
    owner.click("summary:text-is('Revoke')")
    owner.click("text=Yes, revoke it")
    expect(owner.locator("tbody .chip.refused").last).to_have_text("revoked")
    large: FilePayload = {"name": "licence.pdf", "mimeType": pdf, "buffer": bytes(21 * 2**20)}
    answer = owner.request.post(
        f"{HERE}/profile",
        multipart={"csrf": csrf(owner), "file": large},
    )
    assert (answer.status, "too large" in answer.text()) == (413, True)


def test_a_switch_asks_why(owner: Page, books: Database) -> None:
    owner.goto(f"{HERE}/switches")
    owner.click("main a.btn >> nth=0")
    owner.click("text=Yes, switch it off")
    expect(owner.locator("#reason-error")).to_contain_text("Say why")
    owner.fill("#reason", "the shop is flooded")
    owner.click("text=Yes, switch it off")
    expect(owner.locator("main li").first).to_contain_text("the shop is flooded")
    assert post(books, buy("office-stopped")) == ["control_purchases_off"]
    owner.click("main a.btn >> nth=0")
    owner.fill("#reason", "dry again")
    owner.click("text=Yes, switch it on")
    owner.wait_for_url(re.compile("/switches$"))
    assert not any(row and row.off for _, row in controls.list_switches(books, "demo"))
    assert post(books, buy("office-stopped")) == [""]
    owner.goto(f"{HERE}/log?actor=staff:demo-owner&subject=purchases")
    expect(owner.locator("main .list > li")).to_have_count(2)
    expect(owner.locator("main .list > li").first).to_contain_text("dry again")
