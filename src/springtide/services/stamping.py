"""What the service adds to events before they are folded: their time, and a switch.

Both become part of the event's content, so the audit finds the same answer from the journal
alone. An event that was posted before keeps what it was given then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from springtide.core.commission import OFF, STOPPABLE, WITHOUT
from springtide.core.controls import read_at, seconds
from springtide.core.event_fields import Json
from springtide.core.events import Event, Pay, Purchase, Settle
from springtide.core.profile import used_features
from springtide.core.refusals import InvalidEvent, Refusal
from springtide.core.state import State
from springtide.core.tally import COMMISSIONS, Guards

Command = tuple[Json, Event | Refusal]

TOLERANCE = timedelta(minutes=5)
"""How far the clock of whoever sends an event may be ahead of ours."""


def stamp(commands: Sequence[Command], state: State, now: datetime | None) -> list[Command]:
    """Events with what is added to them, for a state that knows which were posted before.

    Where a control depends on the time, an event without `at` gets `now`, and one whose `at`
    is later than that is refused: it would run ahead of holds and of limits a day. Without
    `now` nothing is added: a replay has the times of its events. While commissions are
    switched off, purchases and settlements say so; and while the evidence for a feature that
    pays commissions does not hold, those say so whose policy has it.
    """
    controls = state.policy.controls
    timed = controls is not None and controls.timed and now is not None
    muted = state.guards is not None and _is_muted(state.guards)
    if not (timed or muted):
        return list(commands)
    stamped = []
    for event, parsed in commands:
        command = event, parsed
        if not isinstance(parsed, Refusal) and parsed.id not in state.posted:
            if timed and now is not None:
                command = _timed(*command, now)
            if muted and isinstance(parsed, Purchase | Settle) and not isinstance(parsed, Pay):
                command = _muted(command[0], parsed, state), command[1]
        stamped.append(command)
    return stamped


def _is_muted(guards: Guards) -> bool:
    return COMMISSIONS in guards.off or not guards.lapsed.keys().isdisjoint(STOPPABLE)


def _muted(event: Json, parsed: Purchase | Settle, state: State) -> Json:
    assert state.guards is not None
    if COMMISSIONS in state.guards.off:
        return {**event, "commissions": OFF}
    policy = state.policy
    if isinstance(parsed, Settle) and parsed.order in state.posted:
        policy = state.posted[parsed.order].policy
    lapsed = state.guards.lapsed.keys() & STOPPABLE.keys() & set(used_features(policy))
    return {**event, "commissions": WITHOUT + ", ".join(sorted(lapsed))} if lapsed else event


def _timed(event: Json, parsed: Event | Refusal, now: datetime) -> Command:
    if "at" not in event:
        return {**event, "at": now.isoformat(timespec="seconds")}, parsed
    try:
        ahead = read_at(event) > seconds(now + TOLERANCE)
    except InvalidEvent as refusal:
        return event, refusal
    if ahead:
        late = f"at is {event['at']!r}, which is later than now; leave it out or correct it"
        return event, InvalidEvent(late)
    return event, parsed
