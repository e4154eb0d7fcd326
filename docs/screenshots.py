"""Photograph the explorer and the report of a finished experiment for the documentation. Needs Chromium.

Usage: python docs/screenshots.py results/mnist
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "figures" / "pages"


def photograph(results: Path) -> None:
    """Write `explorer.png`, `explorer_dark.png` and `report.png`."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def open_page(name: str, width: int, height: int, scheme: str = "light") -> Page:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto((results / name).resolve().as_uri())
            return page

        for name, size, scheme in (("explorer", (1280, 1000), "light"), ("explorer_dark", (390, 800), "dark")):
            page = open_page("explorer.html", *size, scheme)
            page.wait_for_selector("html[data-ready]")
            last = int(page.locator("#slider").get_attribute("max"))
            page.locator("#slider").fill(str(round(0.8 * last)))
            page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        page = open_page("report.html", 1280, 800)
        page.get_by_text("Findings of").wait_for()
        page.screenshot(path=FOLDER / "report.png", animations="disabled")
        browser.close()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]))
