"""What the list of tasks knows of a kind: what its tasks say, and what one can do about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from balie.record.tasks import Task
from balie.store.engine import Tx
from web.desk.desk import Desk


@dataclass(frozen=True)
class Card:
    """A task in words.

    title     whom it is about, and his role when he is not the citizen
    happened  a sentence; todo: another, where the first does not say what to do
    facts     lines beneath; error: what a machine said
    phone     of whom it is about; refund: the amount that is to be decided on; path: where it is done, if not here
    barred    somebody else decides on the refund
    """

    title: str
    happened: str
    todo: str = ""
    role: str = ""
    facts: tuple[str, ...] = ()
    error: str = ""
    phone: str = ""
    refund: str = ""
    path: str = ""
    barred: bool = False


@dataclass(frozen=True)
class Kind:
    """One of balie.store.schema.TASK_KINDS on the desk.

    slug    in an address: ?soort=bellen
    form    in templates/desk/task_forms.html: what one can do
    fields  by the value of its buttons (doe): the stem of the field with words to it, "" for none
    tell    for who looks: cards by the id of their tasks; those whose object was erased are left out
    act     does it, and gives a word of words.done(): the task, which button, the words.  TaskError
    """

    slug: str
    form: str
    fields: Mapping[str, str]
    tell: Callable[[Tx, Desk, Sequence[Task]], dict[int, Card]]
    act: Callable[[Desk, Task, str, str], Awaitable[str]]
