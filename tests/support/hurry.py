"""A page for which time goes faster, for tests that would wait for it and see nothing of the wait."""

from __future__ import annotations

QUICKER = 4
SHORT_WAITS = """(times) => {
  const wait = window.setTimeout.bind(window);
  window.setTimeout = (act, wait_ms = 0, ...all) => wait(act, wait_ms < 4000 ? wait_ms : wait_ms / times, ...all);
}"""
"""Whatever a page puts off for four seconds or more comes so many times sooner.  What is shorter, such as a look every
now and then, stays as it is; so do deadlines by the clock, within which something must have worked."""
FAST_CLOCK = """(times) => {
  const { now } = Date;
  const start = now();
  Date.now = () => start + (now() - start) * times;
  window.realClock = () => { Date.now = now; };
}"""
"""Deadlines by the clock come so many times sooner, for what is not going to work; until realClock()."""
