"""What a page must be for everybody: by axe-core, in small windows, with large letters, by the Tab key alone."""

from __future__ import annotations

from typing import Any, Literal

from tests.support.tree import ROOT
from tests.support.visitor import PHONE, Visitor

AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text()
QUESTIONS = (ROOT / "tests/browser/accessibility.js").read_text()
SCHEMES: dict[Literal["dark", "light"], str] = {"dark": "colours", "light": "violations"}
"""With the question for each: everything once, and in the other one what colours can break."""
NARROW: Any = {"width": 320, "height": 640}
ON_ITS_SIDE: Any = {"width": 640, "height": 320}
WIDE: Any = {"width": 1280, "height": 800}
ZOOMED: Any = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400 % (WCAG 2.2, 1.4.10)."""
STOPS = 80
"""More than any page has."""
FOCUSED = """() => {
  const here = document.activeElement;
  if (here === document.body) return { words: "", seen: true }; // between the last and the first
  const { outlineStyle, outlineWidth } = getComputedStyle(here);
  const words = here.ariaLabel ?? (here.labels?.[0] ?? here).textContent.replace(/\\s+/g, " ").trim();
  return { words, seen: outlineStyle === "solid" && parseFloat(outlineWidth) >= 3 };
}"""

BAR_UNDER_LEGEND = """() => document.querySelector(".helper legend").getBoundingClientRect().bottom
  <= document.querySelector(".helper .wrong").getBoundingClientRect().top"""
IN_THE_MARGINS = """() => {
  const text = document.querySelector("h1").getBoundingClientRect();
  return [...document.querySelectorAll(".days button, .days .day-none")].map((each) => each.getBoundingClientRect())
    .every((each) => each.left >= text.left && each.right <= text.right + 0.5);
}"""


async def ask(somebody: Visitor, question: str) -> Any:
    """A question of accessibility.js about the page, once it is settled."""
    needed = {"access": QUESTIONS, **({"axe": AXE} if question in SCHEMES.values() else {})}
    ready = " && ".join(f"'{name}' in window" for name in needed)
    answer = await somebody.evaluate(f"() => {ready} ? access.settled().then(access.{question}) : null")
    if answer is not None:
        return answer
    for name, script in needed.items():
        await somebody.evaluate(f"() => {{ if (!('{name}' in window)) {{ {script} }} }}")
    return await ask(somebody, question)


async def check(somebody: Visitor, state: str) -> None:
    """A page as it is now: light and dark, in small windows, with letters of twice the size."""
    for scheme, question in SCHEMES.items():
        await somebody.page.emulate_media(color_scheme=scheme)
        violations = await ask(somebody, question)
        assert violations == [], f"{state}, {scheme}: {violations}"
    await fits(somebody, state)


async def check_both(somebody: Visitor, state: str) -> None:
    """check() for who has a telephone; and then on a laptop, which shows other elements."""
    page = somebody.page
    usual: Any = page.viewport_size
    await check(somebody, state)
    await page.set_viewport_size(WIDE)
    assert await ask(somebody, "violations") == [], f"{state}, {WIDE}"
    await large_letters(somebody, state, WIDE)
    await page.set_viewport_size(usual)


async def fits(somebody: Visitor, state: str) -> None:
    """The part of it that the words decide, for languages in which a page has the same elements: nothing is cut off."""
    usual: Any = somebody.page.viewport_size
    for size in (NARROW, ON_ITS_SIDE, ZOOMED):
        await somebody.page.set_viewport_size(size)
        assert await ask(somebody, "misfits") == [], f"{state}, {size}"
    await large_letters(somebody, state, *([usual] if usual == PHONE else [PHONE, usual]))


async def large_letters(somebody: Visitor, state: str, *sizes: Any) -> None:
    page = somebody.page
    await page.evaluate("() => document.documentElement.style.setProperty('--base', '2.25rem')")
    for size in sizes:
        await page.set_viewport_size(size)
        assert await ask(somebody, "cut") == [], f"{state}, large letters, {size}"
    await page.evaluate("() => document.documentElement.style.removeProperty('--base')")


async def tab_to(somebody: Visitor, name: str) -> None:
    """With the Tab key alone, to something that shows it has the focus."""
    for _ in range(STOPS):
        await somebody.page.keyboard.press("Tab")
        focused = await somebody.evaluate(FOCUSED)
        assert focused["seen"], f"{focused['words']!r} does not show its focus"
        if focused["words"].startswith(name):
            return
    raise AssertionError(f"no Tab leads to {name}")


async def focus(somebody: Visitor, identifier: str) -> None:
    """Until the element with this id has it."""
    await somebody.until(f"document.activeElement?.id === {identifier!r}")
