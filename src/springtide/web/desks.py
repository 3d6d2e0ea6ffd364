"""Desks of the programs in use, spoken to from the event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from springtide.core.event_fields import Json
from springtide.core.policy import Policy
from springtide.core.reducer import Outcome
from springtide.services.agents import due_day
from springtide.services.cash_outs import begin_batch, list_due, note_batch
from springtide.services.desk import Deed, Desk, DeskFull, Unread
from springtide.services.gateway import Database, DatabaseDown
from springtide.services.lapses import tell_of_lapses
from springtide.services.listing import Program, read_program
from springtide.services.policies import put_due_in_effect
from springtide.services.programs import list_programs
from springtide.services.settling import due_settlements
from springtide.web.bodies import write_answer
from springtide.web.flight import SingleFlight
from springtide.web.observe import log

MOST_DESKS = 20
"""Programs whose desks stay open; each has a thread and a connection of its own."""

Waiter = asyncio.Future[list[Outcome]]


async def again_and_again(what: str, do: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Do something for ever, also after it failed; what ends the server ends it."""
    while True:
        await asyncio.sleep(pause_s)
        try:
            await do()
        except (DatabaseDown, DeskFull) as error:
            log.warning(f"{what} waits", reason=str(error))
        except Exception:  # a defect: tell it, and try again with what is due then
            log.exception(f"{what} failed")


class Desks:
    """One desk a program, opened with its first event."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._desks: dict[str, Desk] = {}
        self._policies: dict[str, tuple[int, Policy]] = {}
        """Of the programs in use, each with its version."""
        self._programs = SingleFlight(self._policy_of)
        self._answered: list[tuple[Waiter, list[Outcome] | BaseException]] = []
        self._answering = threading.Lock()

    @property
    def waiting(self) -> int:
        """Events that wait to be posted, over all programs."""
        return sum(desk.waiting for desk in self._desks.values())

    async def order_type(self, program: str) -> str:
        """The event that an order is: a purchase, or a payment that is settled later."""
        return "pay" if (await self._policy(program)).settle_after_s else "purchase"

    async def pays_daily(self, program: str) -> bool:
        """Whether cash-outs wait for the day's batch."""
        return (await self._policy(program)).cash_out_daily

    async def _policy(self, program: str) -> Policy:
        found = self._policies.get(program)
        if found is None:
            found = self._policies[program] = await self._programs.ask(program)
        return found[1]

    def _policy_of(self, program: str) -> tuple[int, Policy]:
        row, state = read_program(self._database, program)
        return row.policy_version, state.policy

    def _forget_changed(self, program: Program) -> None:
        """A policy that came into effect, here or elsewhere, may say something else."""
        known = self._policies.get(program.name)
        if known is not None and known[0] != program.policy_version:
            del self._policies[program.name]

    async def settle_for_ever(self, pause_s: float) -> None:
        """Put policies in effect whose day has come, and settle what is due, for ever."""

        async def settle() -> None:
            await self._change_policies(self._now())
            for program in await asyncio.to_thread(list_programs, self._database):
                self._forget_changed(program)
                await self._turn_day(program.name, self._now())
                # Orders paid under an earlier version may still wait.
                if program.policy_version > 1 or await self.order_type(program.name) == "pay":
                    await self._settle(program.name, self._now())

        await again_and_again("settlement", settle, pause_s)

    async def pay_out_for_ever(self, pause_s: float) -> None:
        """Pay the day's cash-outs of every program when they are due, again and again."""

        async def pay_out() -> None:
            for program in await asyncio.to_thread(list_due, self._database, self._now()):
                await self._pay_out(program, self._now())

        await again_and_again("cash-out", pay_out, pause_s)

    async def _pay_out(self, program: str, now: datetime) -> None:
        batch = await asyncio.to_thread(begin_batch, self._database, program, now)
        if batch is not None:
            [outcome] = await self.post(program, [batch])
            done = await asyncio.to_thread(
                note_batch, self._database, program, outcome, "system", now
            )
            log.info("cash-outs paid", program=program, **done._asdict())

    async def _change_policies(self, now: datetime) -> None:
        try:
            changed = await asyncio.to_thread(put_due_in_effect, self._database, now)
            for name, version in changed.items():
                log.info("policy decided", program=name, version=version)
            told = await asyncio.to_thread(tell_of_lapses, self._database, now)
            for name, alarms in told.items():
                log.warning("evidence ends", program=name, alarms=alarms)
        except DatabaseDown:
            raise
        except Exception:  # a defect, or a profile that cannot be read: orders still settle
            log.exception("policies wait")

    async def _turn_day(self, program: str, now: datetime) -> None:
        """Tell a program in which something ends with a day which one it is."""
        day = await asyncio.to_thread(due_day, self._database, program, now)
        if day:
            await self.post(program, day)

    async def _settle(self, program: str, now: datetime) -> None:
        due = await asyncio.to_thread(due_settlements, self._database, program, now)
        if due:
            outcomes = await self.post(program, due)
            settled = sum(outcome.is_posted for outcome in outcomes)
            log.info("settled", program=program, orders=settled, due=len(due))

    async def post(
        self, program: str, events: Sequence[Json], deed: Deed | None = None
    ) -> list[Outcome]:
        """Post events together and wait until they are durable.

        `deed` says who decided on them, if that belongs in the log of acts.

        Raises:
            DeskFull: too many events wait.
            DatabaseDown: nothing is known to be written; post the same events again.
        """
        return await (await self.submit(program, events, deed))

    async def submit(
        self, program: str, events: Sequence[Json] | Unread, deed: Deed | None = None
    ) -> Waiter:
        """Let events be posted together, after those submitted before; gives what to wait for.

        Raises:
            DeskFull: too many events wait.
        """
        desk = self._desks.pop(program, None) or Desk(
            self._database, program, self._now, write_answer
        )
        self._desks[program] = desk  # the last in the order of use
        waiter: Waiter = asyncio.get_running_loop().create_future()
        desk.submit(events, partial(self._take, waiter), deed)
        if len(self._desks) > MOST_DESKS:
            await self._close_idle()
        return waiter

    async def _close_idle(self) -> None:
        """Close the desk that was not used for longest, if nothing waits there."""
        program, desk = next(iter(self._desks.items()))
        if not desk.waiting:
            del self._desks[program]
            await asyncio.to_thread(desk.close)

    def _take(self, waiter: Waiter, answer: list[Outcome] | BaseException) -> None:
        """Called by desks: waking the loop once for many answers is much cheaper."""
        with self._answering:
            first = not self._answered
            self._answered.append((waiter, answer))
        if first:
            waiter.get_loop().call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        with self._answering:
            answered, self._answered = self._answered, []
        for waiter, answer in answered:
            if waiter.cancelled():
                continue
            if isinstance(answer, BaseException):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)

    def close(self) -> None:
        """Post what waits and stop; blocks until it is done."""
        for desk in self._desks.values():
            desk.close()
