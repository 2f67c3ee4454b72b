"""The ones who book, in a process of their own: requests to the API at a rate, over connections that stay open.

Run by benchmarks.bookings.  A plan comes in as a line of JSON on standard input; when free times are known, a line
"ready" goes out; then comes a line with the moment at which the counted window began (nanoseconds of Unix time), and
at the end the results go out as a line of JSON.

Requests are due at their times whatever became of those before: how long a booking took is counted from when it was
due, so that waiting for a free connection counts.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import smtplib
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import uvloop

from benchmarks import processes
from benchmarks.office import GRID_MIN, PASSPORT, SERVICE
from benchmarks.phases import Phase

DAYS_PER_LOOK = 31  # the most that one answer has
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Plan:
    """mail_bytes: of each mail; 0: none.  pid: of the server, to read its meters."""

    host: str
    port: int
    pid: int
    keys: tuple[str, ...]
    connections: int
    rate: float
    phases: tuple[Phase, ...]
    mail_port: int = 0
    mail_to: str = ""
    mail_bytes: int = 0
    mails: int = 0
    seed: int = 1

    @classmethod
    def read(cls, text: str) -> Plan:
        values = json.loads(text)
        phases = tuple(Phase(**each) for each in values["phases"])
        return cls(**{**values, "phases": phases, "keys": tuple(values["keys"])})


class Connection:
    """One HTTP/1.1 connection that stays open.  Requests one after the other."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, key: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and content.  OSError, EOFError: the connection broke; the next request opens another."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {key}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 24)
            reader, writer = self._streams
            writer.write(head.encode() + b"\r\n" + body)
            status, size = parse_head(await reader.readuntil(b"\r\n\r\n"))
            return status, await reader.readexactly(size)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def parse_head(head: bytes) -> tuple[int, int]:
    """Status and length of the content.  ValueError: without a length."""
    lines = head.decode("latin-1").split("\r\n")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(lines[0].split()[1]), int(value)
    raise ValueError(f"no Content-Length: {lines[0]}")


def starts(slots: Sequence[dict[str, Any]], seed: int) -> list[str]:
    """What can be booked one after the other without meeting: each time on the half hour as often as people have it."""
    found = [each["start"] for each in slots if int(each["start"][14:16]) % GRID_MIN == 0 for _ in each["staff"]]
    random.Random(seed).shuffle(found)
    return found


def body(number: int, start: str) -> bytes:
    return json.dumps(
        {
            "service": SERVICE,
            "products": [PASSPORT],
            "start": start,
            "channel": "web",
            "citizen": {"name": f"Jan Janssens {number}", "mail": f"jan{number}@post.example", "locale": "nl"},
        }
    ).encode()


async def free_slots(plan: Plan, today: date, days: int) -> list[dict[str, Any]]:
    """From tomorrow on, as the API tells them."""
    connection, found = Connection(plan.host, plan.port), []
    for first in range(1, days, DAYS_PER_LOOK):
        begin, end = today + timedelta(days=first), today + timedelta(days=min(first + DAYS_PER_LOOK, days) - 1)
        path = f"/api/v1/slots?service={SERVICE}&product={PASSPORT}&from={begin}&until={end}"
        status, content = await connection.ask("GET", path, plan.keys[0])
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {content[:400]!r}")
        found += json.loads(content)["slots"]
    connection.close()
    return found


@dataclass
class Tally:
    """What became of bookings.  Milliseconds; statuses by name."""

    since_due_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    in_time: int = 0
    not_begun: int = 0
    first_error: str = ""

    def result(self, seconds: float) -> dict[str, Any]:
        booked = self.statuses["201"]
        others = {name: number for name, number in self.statuses.items() if name != "201"}
        return {
            "booked": booked,
            "per_s": round(self.in_time / seconds, 1),
            "errors": others,
            "first_error": self.first_error,
            "not_begun": self.not_begun,
            **milliseconds("latency_ms", self.since_due_ms),
            **milliseconds("answer_ms", self.answered_ms),
        }


def milliseconds(name: str, took: Sequence[float]) -> dict[str, float]:
    p50, p99, most = np.percentile(took, [50, 99, 100]) if took else [float("nan")] * 3
    return {f"{name}_p50": round(p50, 2), f"{name}_p99": round(p99, 2), f"{name}_max": round(most, 2)}


class Booking:
    """All bookings of a phase.  begin_s, end_s: of the event loop's clock."""

    def __init__(self, plan: Plan, bodies: Sequence[bytes], begin_s: float, end_s: float) -> None:
        self._plan, self._bodies, self._begin_s, self._end_s = plan, bodies, begin_s, end_s
        self._numbers = iter(range(round((end_s - begin_s) * plan.rate)))
        self.tally = Tally()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.connections):
                group.create_task(self._one_after_the_other(self._numbers))

    async def _one_after_the_other(self, numbers: Iterator[int]) -> None:
        connection, loop, keys = (
            Connection(self._plan.host, self._plan.port),
            asyncio.get_running_loop(),
            self._plan.keys,
        )
        for number in numbers:
            due_s = self._begin_s + number / self._plan.rate
            await asyncio.sleep(due_s - loop.time())
            asked_s = loop.time()
            if asked_s >= self._end_s:
                self.tally.not_begun += 1
                continue
            await self._book(connection, keys[number % len(keys)], self._bodies[number])
            now_s = loop.time()
            self.tally.since_due_ms.append((now_s - due_s) * 1000)
            self.tally.answered_ms.append((now_s - asked_s) * 1000)
        connection.close()

    async def _book(self, connection: Connection, key: str, content: bytes) -> None:
        tally = self.tally
        try:
            async with asyncio.timeout(TIMEOUT_S):
                code, answer = await connection.ask("POST", "/api/v1/appointments", key, content)
            status = str(code)
        except (OSError, EOFError) as error:  # TimeoutError is one
            status, answer = type(error).__name__, b""
        tally.statuses[status] += 1
        if status == "201":
            tally.in_time += asyncio.get_running_loop().time() <= self._end_s
        elif not tally.first_error:
            tally.first_error = f"{status} {answer[:300]!r}"


def letter(to: str, size: int, seed: int) -> bytes:
    """A mail with an attachment, at most `size` bytes and not much less."""
    head = (
        f"From: Jan Janssens <jan@post.example>\r\nTo: {to}\r\nSubject: Bijlage {seed}\r\n"
        f"Message-ID: <{seed}.{size}@post.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="part"\r\n\r\n'
        "--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHierbij mijn papieren.\r\n\r\n"
        "--part\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="papieren.pdf"\r\n\r\n'
    ).encode()
    tail = b"--part--\r\n"
    lines = max(0, size - len(head) - len(tail)) // 78  # 57 bytes are a line of 76 characters
    content = base64.encodebytes(random.Random(seed).randbytes(57 * lines)).replace(b"\n", b"\r\n")
    return head + content + tail


def deliver(plan: Plan, content: bytes) -> dict[str, Any]:
    """How long the listener took for a mail, and what it said."""
    began_s, said = time.perf_counter(), "250"
    try:
        with smtplib.SMTP(plan.host, plan.mail_port, timeout=TIMEOUT_S) as client:
            client.sendmail("jan@post.example", [plan.mail_to], content)
    except (OSError, smtplib.SMTPException) as error:
        said = f"{type(error).__name__}: {error}"[:300]
    return {"bytes": len(content), "seconds": round(time.perf_counter() - began_s, 3), "said": said}


def meters(pid: int) -> dict[str, float]:
    """Of the server and the machine, as of now."""
    busy, ticks = processes.machine_ticks()
    now_s = time.monotonic()
    return {"cpu_s": processes.spent(pid).total_s, "own_s": processes.own_cpu_s(), "now_s": now_s} | {
        "busy_ticks": busy,
        "ticks": ticks,
    }


def between(first: dict[str, float], last: dict[str, float]) -> dict[str, float]:
    """server_cpu, booker_cpu: shares of a core.  machine_busy: of all cores."""
    elapsed_s = last["now_s"] - first["now_s"]
    return {
        "server_cpu": round((last["cpu_s"] - first["cpu_s"]) / elapsed_s, 3),
        "server_cpu_s": round(last["cpu_s"] - first["cpu_s"], 2),
        "booker_cpu": round((last["own_s"] - first["own_s"]) / elapsed_s, 3),
        "machine_busy": round((last["busy_ticks"] - first["busy_ticks"]) / (last["ticks"] - first["ticks"]), 3),
    }


class Booker:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._bodies: list[bytes] = []
        self._letters: list[bytes] = []
        self._result: dict[str, Any] = {"phases": {}}

    async def prepare(self, today: date, days: int) -> int:
        """Everything that can be made before; returns how many free times there are."""
        found = starts(await free_slots(self._plan, today, days), self._plan.seed)
        self._bodies = [body(number, start) for number, start in enumerate(found)]
        plan = self._plan
        self._letters = [letter(plan.mail_to, plan.mail_bytes, plan.seed + n) for n in range(plan.mails)]
        return len(found)

    async def run(self, began_ns: int) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        zero_s = loop.time() - (time.time_ns() - began_ns) / 1e9
        acts = {"bookings": self._book, "mail": self._write}
        for phase in self._plan.phases:
            await asyncio.sleep(zero_s + phase.start_s - loop.time())
            before = meters(self._plan.pid)
            act = asyncio.create_task(acts.get(phase.name, _nothing)(zero_s + phase.start_s, zero_s + phase.end_s))
            await asyncio.sleep(zero_s + phase.end_s - loop.time())
            self._result["phases"][phase.name] = between(before, meters(self._plan.pid))
            await act
        return self._result

    async def _book(self, begin_s: float, end_s: float) -> None:
        booking = Booking(self._plan, self._bodies, begin_s, end_s)
        await booking.run()
        self._result["bookings"] = booking.tally.result(end_s - begin_s)

    async def _write(self, begin_s: float, end_s: float) -> None:
        """Mails one after the other, spread over the phase."""
        loop, found = asyncio.get_running_loop(), []
        for number, content in enumerate(self._letters):
            await asyncio.sleep(begin_s + (end_s - begin_s) * number / len(self._letters) - loop.time())
            found.append(await asyncio.to_thread(deliver, self._plan, content))
        self._result["mails"] = found


async def _nothing(_begin_s: float, _end_s: float) -> None:
    """The load alone."""


async def play(plan: Plan, today: date, days: int) -> None:
    booker = Booker(plan)
    print("ready", await booker.prepare(today, days), flush=True)
    began_ns = int(await asyncio.to_thread(sys.stdin.readline))
    print(json.dumps(await booker.run(began_ns)), flush=True)


def main() -> None:
    today, days = date.fromisoformat(sys.argv[1]), int(sys.argv[2])
    uvloop.run(play(Plan.read(sys.stdin.readline()), today, days))


if __name__ == "__main__":
    main()
