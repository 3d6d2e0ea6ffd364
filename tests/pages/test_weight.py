"""What the member's home weighs; `make bench-pages` measures how soon it is painted."""

from tests.pages.visiting import Visits

MOST_BYTES = 120 * 1024


def test_the_home_page_is_light(visits: Visits) -> None:
    with visits.window("member", "zh") as page:
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        client.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
        page.goto("/m/demo", wait_until="load")
        page.wait_for_timeout(200)
        assert 30_000 < sum(sizes) <= MOST_BYTES, sizes
