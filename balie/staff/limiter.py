"""How often somebody may try to sign in: per account, and per address.  In memory, of a size that does not grow.

Every try counts before its password is looked at, so that tries at the same moment count too.  Where somebody signed in
before, his tries are counted apart: a stranger who keeps guessing does not keep him out.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address


@dataclass(frozen=True)
class Allowance:
    """So many tries at once, and one more every so many seconds."""

    burst: int
    every_s: int


ACCOUNT = Allowance(burst=5, every_s=60)
"""Guessing: 1,440 passwords a day.  Who forgot his own has five tries, and waits a minute for each more."""
ADDRESS = Allowance(burst=30, every_s=10)
"""A whole town hall may come from one address, all on a Monday at half past eight."""
KEYS_MAX = 10_000  # about 2 MB; who fills it with addresses of his own makes us forget whom we saw longest ago


class Limiter:
    """Counts tries.  now_s: Unix seconds, or any clock."""

    def __init__(self, account: Allowance = ACCOUNT, address: Allowance = ADDRESS, keys_max: int = KEYS_MAX) -> None:
        self._accounts = Buckets(account, keys_max)
        self._addresses = Buckets(address, keys_max)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._keys_max = keys_max

    def attempt(self, login: str, address: str, now_s: int) -> int:
        """Seconds to wait before this try is allowed; 0: it is, and counts from now on."""
        network = network_of(address)
        account = self._account(login, network)
        wait_s = max(self._accounts.wait_s(account, now_s), self._addresses.wait_s(network, now_s))
        if wait_s == 0:
            self._accounts.take(account, now_s)
            self._addresses.take(network, now_s)
        return wait_s

    def succeeded(self, login: str, address: str) -> None:
        """The right password: who mistyped it before starts afresh.  His address does not."""
        network = network_of(address)
        self._accounts.forget(self._account(login, network))
        self._known[_pair(login, network)] = None
        self._known.move_to_end(_pair(login, network))
        while len(self._known) > self._keys_max:
            self._known.popitem(last=False)

    def size(self) -> int:
        """How many keys are remembered."""
        return len(self._accounts) + len(self._addresses) + len(self._known)

    def _account(self, login: str, network: str) -> str:
        pair = _pair(login, network)
        return pair if pair in self._known else login


def _pair(login: str, network: str) -> str:
    return f"{login}\n{network}"  # no login has a line break in it


class Buckets:
    """Leaky buckets by key, each kept as the moment at which it will be empty (GCRA).

    Asking and taking are apart: who needs room in two of them takes from neither when one is full.
    """

    def __init__(self, allowance: Allowance, keys_max: int) -> None:
        self._every_s, self._room_s = allowance.every_s, allowance.burst * allowance.every_s
        self._keys_max = keys_max
        self._empty_s: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._empty_s)

    def wait_s(self, key: str, now_s: int) -> int:
        full_until_s = self._empty_s.get(key, now_s) + self._every_s - self._room_s
        return max(0, full_until_s - now_s)

    def take(self, key: str, now_s: int) -> None:
        self._empty_s[key] = max(self._empty_s.get(key, now_s), now_s) + self._every_s
        self._empty_s.move_to_end(key)
        while len(self._empty_s) > self._keys_max:
            self._empty_s.popitem(last=False)

    def forget(self, key: str) -> None:
        self._empty_s.pop(key, None)


def network_of(address: str) -> str:
    """Where one guesser sits: an IPv6 subscriber has 2**64 addresses and more (RFC 6177)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{found.packed[:8].hex()}/64"
