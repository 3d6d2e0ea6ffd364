"""The member's home on a cheap phone: what it weighs, and how soon it is painted."""

import pytest

from tests.pages.visiting import Visits

pytestmark = pytest.mark.xdist_group("pages")

MOST_BYTES = 120 * 1024
MOST_PAINT_MS = 1_000

OBSERVE = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""


def test_the_home_page_is_light_and_soon_there(visits: Visits) -> None:
    with visits.window("member", "zh") as page:
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.setCacheDisabled", {"cacheDisabled": True})
        client.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        sizes: list[float] = []
        client.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
        paints = []
        for _ in range(3):
            sizes.clear()
            page.goto("/m/demo", wait_until="load")
            paints.append(page.evaluate(OBSERVE))
            page.wait_for_timeout(200)
            assert 30_000 < sum(sizes) <= MOST_BYTES, sizes
        assert min(paints) < MOST_PAINT_MS, paints
