"""A headless Chromium that looks at pages, and keeps what they ask for and what they complain about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first needs half the CPU
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_SERIOUS = frozenset(("serious", "critical"))


@dataclass
class Look:
    """A page that is looked at; `asked` are the addresses that it asked for, `complaints` its console's and its
    errors."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """The serious faults that axe finds in what is shown."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "axe.run({resultTypes: ['violations']}).then(results => results.violations)"
        )
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in found
            if fault["impact"] in _SERIOUS
            for node in fault["nodes"]
        ]

    def faults_in_both_schemes(self) -> list[str]:
        """The serious faults, in light and in dark colours."""
        found = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}: {fault}" for fault in self.faults()]
        return found

    def focused(self) -> str:
        """The text or the name of what has the focus."""
        told: str = self.page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.id"
            " || document.activeElement.textContent.trim()"
        )
        return told


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A browser with more `flags`; without one the test is skipped, in CI it fails."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def looking(
    browser: Browser,
    where: Path | str,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    motion: Literal["no-preference", "reduce"] = "no-preference",
    language: str | None = None,
    first: str = "",
) -> Iterator[Look]:
    """Look at a file or an address, in a profile of its own; `first` is a script that each page begins with."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion=motion,
        locale=language,
        accept_downloads=True,
    )
    with closing(context):
        context.add_init_script(first)
        look = Look(context.new_page())
        look.page.on("request", lambda request: look.asked.append(request.url))
        look.page.on("console", lambda message: look.complaints.append(message.text))
        look.page.on("pageerror", lambda error: look.complaints.append(str(error)))
        look.page.goto(where.as_uri() if isinstance(where, Path) else where)
        yield look
