"""The model that every peer plays: advert B in Python's integers, with nothing around it.

Orders of one size, each by a newcomer; lots exit at the cap, the lowest trigger first. No
splits: the price stays below.
"""

from heapq import heappop, heappush

CONTRIBUTION, VALUE, CAP = 160 * 10**6, 112 * 10**6, 1200 * 10**6
SCALE = 80
"""Bits by which triggers are scaled; closer to each other than that they do not come."""


class Pool:
    """Reserve and supply, the lots, and the queue of exits."""

    def __init__(self) -> None:
        self.reserve, self.supply, self.exits = 10**6, 10**9, 0
        self.points: list[int] = []
        self.queue: list[tuple[int, int]] = []

    def buy(self) -> None:
        """One more order, and the exits that follow it."""
        granted = VALUE * self.supply // self.reserve
        self.reserve += CONTRIBUTION
        self.supply += granted
        heappush(self.queue, ((CAP << SCALE) // granted, len(self.points)))
        self.points.append(granted)
        while self.queue:
            lot = self.queue[0][1]
            if self.points[lot] * self.reserve < CAP * self.supply:
                break
            heappop(self.queue)
            self.reserve -= CAP * 8 // 10
            self.supply -= self.points[lot]
            self.exits += 1
