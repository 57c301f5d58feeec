"""A window of Debian's Chromium, used by keyboard and judged by axe-core.

Skipped without chromium and chromium-driver outside CI. PRAZO_TEST_SHOTS: a folder for screenshots.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
SHOTS = os.environ.get("PRAZO_TEST_SHOTS")
SIZES = [(390, 844), (1280, 900)]

needs_chromium = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"not installed: {', '.join(MISSING)}"
)


class Window:
    """A Chromium window of one size."""

    def __init__(self, driver: Chrome, width: int, height: int) -> None:
        self.driver, self.width, self._height = driver, width, height

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def until(self, css: str) -> WebElement:
        """Return the element once it is there: a key that leads to another page does not wait for it."""
        found = WebDriverWait(self.driver, 15).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, css))
        return found[0]

    def size(self, height: int) -> None:
        """Give the window its width and a height."""
        view = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)

    def shot(self, name: str) -> None:
        """Take a screenshot of the whole page, if asked for."""
        if SHOTS:
            self.size(self.driver.execute_script("return document.documentElement.scrollHeight"))
            self.driver.save_screenshot(str(Path(SHOTS) / f"{name}-{self.width}.png"))
            self.size(self._height)

    def said(self) -> list[str]:
        """Return what the console said since it was asked last."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's own

    def grave(self) -> list[str]:
        """Return the serious and critical findings of axe-core about the page, which is loaded anew for it."""
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})  # for the next page: axe is a script
        self.driver.refresh()
        self.driver.execute_script((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        assert found["passes"]
        grave = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        return [f"{v['id']}: {node['html']} {node['failureSummary']}" for v in grave for node in v["nodes"]]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.driver.execute_script(script))


@contextmanager
def chromium(width: int, height: int, profile: Path) -> Iterator[Chrome]:
    """Start a Chromium in Portuguese whose window has this size."""
    options = ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={profile}"):
        options.add_argument(f"--{argument}")
    options.add_argument("--lang=pt-BR")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    driver = Chrome(options, ChromeService(shutil.which("chromedriver") or ""))
    try:
        driver.set_page_load_timeout(30)
        driver.set_script_timeout(60)
        Window(driver, width, height).size(height)
        yield driver
    finally:
        driver.quit()
