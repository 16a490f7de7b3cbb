# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.look.chromium import Chromium, Tab, find_chromium
from tests.look.samples import PAGES, write_samples
from tests.make.places import BUILD

SIZES = {"light": (1280, False), "dark": (1280, True), "phone": (420, False), "dark phone": (420, True)}
RUN_AXE = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium here, so nothing was looked at (CHROMIUM=/path/to/chromium names one)")
    with Chromium.start(program) as running:
        yield running


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def axe() -> str:
    """The text of axe-core."""
    found = sorted((BUILD / "look-venv").glob("lib/python*/site-packages/axe_playwright_python/axe.min.js"))
    assert found, "axe-core is not installed: make look"
    return found[0].read_text(encoding="utf-8")


def shown(browser: Chromium, page: Path, size: str = "light") -> Tab:
    tab = browser.tab()
    width, dark = SIZES[size]
    tab.resize(width, dark=dark)
    tab.open(page)
    return tab


def in_short(violation: dict[str, Any]) -> str:
    return f"{violation['impact']} {violation['id']}: {violation['nodes'][0]['html'][:200]}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [name for name in PAGES if name != "storm"])
def test_axe_finds_nothing(browser: Chromium, samples: dict[str, Path], axe: str, name: str, size: str) -> None:
    tab = shown(browser, samples[name], size)
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.evaluate(axe + "; 0")

    assert [in_short(one) for one in tab.evaluate(RUN_AXE)] == []


def test_axe_would_find_something(browser: Chromium, axe: str, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<html><body><img src='data:,'><p style='color:#999;background:#aaa'>hard to read</p></body></html>"
    )
    tab = shown(browser, page)
    tab.evaluate(axe + "; 0")

    found = {one["id"] for one in tab.evaluate(RUN_AXE)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(browser: Chromium, samples: dict[str, Path], name: str) -> None:
    assert shown(browser, samples[name], "phone").evaluate("document.documentElement.scrollWidth") <= 420


def test_what_is_stuck_stands_on_the_first_screen(browser: Chromium, samples: dict[str, Path]) -> None:
    tab = browser.tab()
    tab.resize(1280, height=800)
    tab.open(samples["storm"])

    bottom = tab.evaluate("document.querySelector('.stuck').getBoundingClientRect().bottom")
    assert tab.evaluate("document.querySelectorAll('.stuck > li').length") == 9
    assert bottom <= 800


def test_button_copies_the_whole_command(browser: Chromium, samples: dict[str, Path]) -> None:
    tab = shown(browser, samples["everything"])
    tab.evaluate("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }; 0")
    tab.evaluate("document.querySelector('button.copy').click(); new Promise(done => setTimeout(done, 0))")

    assert tab.evaluate("copied") == "kubectl describe pod -n team-a virt-launcher-db-1-abcde"
    assert tab.evaluate("document.querySelector('button.copy').textContent") == "Copied"
    assert tab.evaluate("document.getElementById('told').textContent").startswith("Copied: kubectl describe pod")


def test_link_opens_what_it_leads_to(browser: Chromium, samples: dict[str, Path]) -> None:
    tab = shown(browser, samples["storm"])
    tab.evaluate("location.hash = '#migration-42'; new Promise(done => setTimeout(done, 100))")

    assert tab.evaluate("document.getElementById('migration-42').open") is True


def test_page_is_complete_without_its_script(browser: Chromium, samples: dict[str, Path]) -> None:
    tab = browser.tab()
    tab.resize(1280)
    with_script = shown(browser, samples["everything"]).evaluate("document.querySelector('main').innerText")
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.call("Page.enable")
    tab.call("Page.navigate", url=samples["everything"].as_uri())
    browser.wait_for("Page.loadEventFired", session=tab.session)
    without = tab.evaluate("document.querySelector('main').innerText")

    assert "kubectl describe pod -n team-a virt-launcher-db-1-abcde" in without
    buttons = tab.evaluate("document.querySelectorAll('button.copy').length")
    assert with_script.split().count("Copy") == without.split().count("Copy") + buttons
    assert without.replace("Copy", "").split() == with_script.replace("Copy", "").split()


def test_no_other_script_runs(browser: Chromium, samples: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "tampered.html"
    text = samples["calm"].read_text(encoding="utf-8")
    page.write_text(text.replace("</main>", "<script>window.ran = true</script></main>"), encoding="utf-8")

    assert shown(browser, page).evaluate("typeof window.ran") == "undefined"


def test_everything_is_printed(browser: Chromium, samples: dict[str, Path]) -> None:
    tab = shown(browser, samples["storm"])
    tab.call("Emulation.setEmulatedMedia", media="print")
    hidden = "[...document.querySelectorAll('main details .body')].filter(one => one.offsetHeight === 0).length"

    assert tab.evaluate(hidden) == 0
    assert tab.evaluate("getComputedStyle(document.querySelector('button.copy')).display") == "none"
