"""A browser for all tests of this folder, where there is one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser, find_browser, running

Show = Callable[..., Browser]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    assert program is not None
    with running(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """A browser in which, by the end of the test, no page has complained or fetched anything."""
    chromium.look(1200, 900)
    chromium.clear()
    yield chromium
    assert chromium.complaints == []
    assert {address.split(":")[0] for address in chromium.fetched} <= {"file", "data", "about"}
    assert len([address for address in chromium.fetched if address.startswith("file:")]) <= chromium.opened


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Show:
    """Write a page to a file, and open it there with some choices in its address."""

    def opened(html: str, choices: str = "") -> Browser:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="ascii")
        browser.open(path, choices)
        return browser

    return opened
