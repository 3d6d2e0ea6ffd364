"""One demonstration in one browser for all tests of the pages; one worker runs them all."""

from collections.abc import Iterator
from typing import Any

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser
from psycopg.conninfo import make_conninfo

from springtide.storage.database import Database
from tests.pages.browser import chromium
from tests.pages.demonstration import demonstration
from tests.pages.visiting import Visits
from tests.web.serving import Service, client_of


@pytest.fixture(scope="session")
def demo_dsn(server: str) -> str:
    """A database for the demonstration alone."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pages")
    return make_conninfo(server, dbname="pages")


@pytest.fixture(scope="session")
def site(demo_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with demonstration(demo_dsn, tmp_path_factory.mktemp("pages")) as service:
        yield service


@pytest.fixture(scope="session")
def books(site: Service, demo_dsn: str) -> Database:
    """The demonstration's database, migrated by its server."""
    assert site.process.poll() is None
    return Database(demo_dsn)


@pytest.fixture(scope="session")
def cookies() -> dict[str, Any]:
    """Of who logged in; a member is sent one code a minute, so browsers share them."""
    return {}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each module: while one is open, no other test can run a loop of its own."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def visits(browser: Browser, site: Service, cookies: dict[str, Any]) -> Visits:
    return Visits(browser, site.url, cookies)


@pytest.fixture
def http(site: Service) -> Iterator[httpx2.Client]:
    """A client without a browser's manners."""
    with client_of(site.url) as client:
        yield client
