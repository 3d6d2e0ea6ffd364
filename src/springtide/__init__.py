"""Springtide: loyalty programs whose points are backed by a pool."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from springtide.services.simulation import simulate
    from springtide.simulation.behaviours import behaviour

__all__ = ["behaviour", "simulate"]


def __getattr__(name: str) -> Any:
    """The simulator, once somebody asks: it loads compiled code that no other part needs."""
    if name == "simulate":
        from springtide.services.simulation import simulate

        return simulate
    if name == "behaviour":
        from springtide.simulation.behaviours import behaviour

        return behaviour
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
