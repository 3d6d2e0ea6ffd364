"""`springtide member`, `switch` and `alarm`."""

import json
from pathlib import Path

from springtide.core.units import MICRO
from springtide.services.simulation import scenario_text
from springtide.storage.database import Database
from tests.cli.conftest import Command
from tests.core.history import buy, cash_out
from tests.services.histories import open_program
from tests.services.test_controls import policy, post


def test_a_member_is_frozen_listed_and_let_go(springtide: Command, database: Database) -> None:
    name = open_program(database, policy())
    post(database, name, buy("o1", "m1", MICRO))
    assert springtide("member", "frozen", name).out == f"nobody is frozen in {name}\n"
    who = ("--member", "m1", "--reason", "chargebacks")
    assert ": chargebacks" in springtide("member", "freeze", name, *who).err
    [row] = json.loads(springtide("member", "frozen", name, "--json").out)
    assert (row["member"], row["actor"], row["reason"]) == ("m1", "cli", "chargebacks")
    assert "chargebacks" in springtide("member", "frozen", name).out
    assert springtide("member", "unfreeze", name, *who).err == "m1 is not frozen\n"
    unknown = springtide("member", "freeze", name, "--member", "m9", "--reason", "x")
    assert unknown == (2, "", f"springtide: {name} has no member 'm9'; check the id\n")
    assert springtide("member", "freeze", name, "--member", "m1", "--reason", " ").code == 2


def test_a_switch_is_turned_off_listed_and_on(springtide: Command, database: Database) -> None:
    name = open_program(database, policy())
    why = ("--reason", "the bank is down")
    assert springtide("switch", "off", name, "cash-outs", *why).err == (
        f"cash-outs of {name}: off\n"
    )
    stands = json.loads(springtide("switch", "list", name, "--json").out)
    assert [row["switch"] for row in stands if row["off"]] == ["cash-outs"]
    assert "the bank is down" in springtide("switch", "list", name).out
    assert springtide("switch", "on", name, "cash-outs", *why).code == 0
    stands = json.loads(springtide("switch", "list", name, "--json").out)
    assert not any(row["off"] for row in stands)
    unknown = springtide("switch", "off", name, "refunds", *why)
    assert (unknown.code, unknown.err.split(";")[0]) == (
        2, "springtide: no switch is named 'refunds'",
    )  # fmt: skip


def test_an_alarm_is_listed_and_acknowledged(springtide: Command, database: Database) -> None:
    name = open_program(database, policy(daily_outflow="5.00"))
    assert springtide("alarm", "list", name).out == f"{name} has no alarm\n"
    post(database, name, buy("o1", "m1", 9 * MICRO), cash_out("x1", "m1"))
    [alarm] = json.loads(springtide("alarm", "list", name, "--json").out)
    assert (alarm["kind"], alarm["day"]) == ("daily_outflow", "2026-11-22")
    assert "would pass 5.000000 a day" in springtide("alarm", "list", name).out
    seen = springtide("alarm", "acknowledge", name, alarm["id"])
    assert seen == (0, "", f"alarm {alarm['id']} of {name} was seen by cli\n")
    assert json.loads(springtide("alarm", "list", name, "--json").out)[0][
        "acknowledged_by"
    ] == "cli"  # fmt: skip
    unknown = springtide("alarm", "acknowledge", name, alarm["id"] + 1)
    assert unknown.code == 2
    assert f"see `springtide alarm list {name}`" in unknown.err


def test_the_simulator_refuses_a_policy_with_controls(
    springtide: Command, tmp_path: Path
) -> None:
    file = tmp_path / "limited.toml"
    limits = '[policy.controls]\nmin_spend = "5.00"\n'
    file.write_text(scenario_text("new-platform") + limits)
    refused = springtide("simulate", file)
    assert refused.code == 2
    assert "controls: the simulator plays no limits on orders and cash-outs" in refused.err
