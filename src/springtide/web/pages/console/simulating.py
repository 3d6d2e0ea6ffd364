"""The simulator: a scenario as a form and a file, played beside, and its report in the page."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from springtide.core.units import PPM
from springtide.services import policies, rehearsal
from springtide.services.gateway import UnknownProgram
from springtide.services.login import SignedIn
from springtide.services.rehearsal import CannotPlay, Rehearsal
from springtide.web.pages.console import plots
from springtide.web.pages.console.parameters import SCENARIO, Edited, edit, translated, values
from springtide.web.pages.shared.call import HEADERS, Call, Missing
from springtide.web.pages.shared.runs import Advance, Run, Runs

FIRST = "growth-stops"
OWN = "own"
"""Stands for the policy of the program, in place of the one that the scenario names."""


@dataclass(frozen=True)
class Played:
    """A scenario that was played: its name, its file, what came of it, and the report."""

    name: str
    text: str
    found: Rehearsal
    report: str
    early: tuple[int, int] | None
    """Its last day and the last day of orders, if it ends before that."""


class Simulator:
    """The last simulation of each member of the staff; one runs at a time."""

    def __init__(self) -> None:
        self._runs: Runs[Played] = Runs("simulator", (CannotPlay,))

    def show(self, call: Call, staff: SignedIn) -> Response:
        """A scenario to be changed, and what the last one did to whom."""
        preset = call.asked("preset", 60)
        run = self._runs.find(call.program, staff.name)
        known = rehearsal.list_scenarios()
        if preset in known:
            text = rehearsal.scenario_text(preset)
        elif run is not None and run.result is not None:
            preset, text = run.result.name, run.result.text
        else:
            preset, text = FIRST, rehearsal.scenario_text(FIRST)
        return self._page(call, staff, Edited(text, values(text, SCENARIO)), preset, run)

    def send(self, call: Call, staff: SignedIn) -> Response:
        """Write the form into the file, and play it."""
        edited, preset = edit(call.form, SCENARIO), call.form.get("preset", "")[:60]
        run = self._runs.find(call.program, staff.name)
        if edited.errors:
            return self._page(call, staff, edited, preset, run, 422)
        own = call.form.get("policy") == OWN
        try:
            toml = policies.get_version(call.database, call.program)[1] if own else None
            ready = rehearsal.prepare(edited.text, toml)
        except UnknownProgram:
            raise Missing from None
        except CannotPlay as error:
            line = edited.blame(str(error))
            return self._page(call, staff, edited, preset, run, 422, line)
        work = partial(_play, preset or "scenario", edited.text, ready)
        key, most = (call.program, staff.name), ready[0].time.periods
        if not self._runs.start(key, call.now, staff.name, most, work):
            edited.errors[""] = call.say(
                "Other simulations are waiting; try again in a minute."
            )
            return self._page(call, staff, edited, preset, run, 503)
        return call.go(call.at("console", "/simulator"))

    def cancel(self, call: Call, staff: SignedIn) -> Response:
        """Stop the simulation that runs, and forget it."""
        self._runs.cancel(call.program, staff.name)
        return call.go(call.at("console", "/simulator"))

    def report(self, call: Call, staff: SignedIn) -> Response:
        """The report as a file that stands for itself."""
        run = self._runs.find(call.program, staff.name)
        if run is None or run.result is None:
            raise Missing
        said = 'attachment; filename="simulation.html"'
        headers = {**HEADERS, "Content-Disposition": said}
        return Response(run.result.report, 200, headers, "text/html; charset=utf-8")

    def _page(
        self, call: Call, staff: SignedIn, edited: Edited, preset: str,
        run: Run[Played] | None, status: int = 200, line: int | None = None,
    ) -> Response:  # fmt: skip
        found = run.result.found if run is not None and run.result is not None else None
        return call.page(
            "console/simulator.html", status, staff=staff, tab="simulator", edited=edited,
            groups=SCENARIO, shown=values(edited.text, SCENARIO), line=line, preset=preset,
            presets=rehearsal.list_scenarios(), run=run, found=found, own=OWN,
            policy=call.form.get("policy", ""), said=partial(translated, call),
            charts={
                "price": plots.price(call, found),
                "pool": plots.pool(call, found),
                "tenths": plots.tenths(call, found),
            } if found else None,
        )  # fmt: skip


def _play(name: str, text: str, ready: tuple[Any, bool], advance: Advance) -> Played:
    from springtide.services.simulation_report import write_report

    scenario, without = ready
    found, results = rehearsal.rehearse(scenario, without_controls=without, progress=advance)
    keep = 1 - scenario.policy.cash_out_fee_ppm / PPM
    end, last = scenario.time.periods, scenario.orders.stop_after
    early = (end, last) if end < last else None
    return Played(name, text, found, write_report(name, text, results, keep), early)
