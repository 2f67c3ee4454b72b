"""Any bytes are one of the five kinds of mail, in text that databases and pages can hold, with bounded work."""

from dataclasses import fields, is_dataclass
from pathlib import Path

from balie.post.incoming import SUBJECT_MAX, Incoming, parse
from balie.post.mailtext import TEXT_MAX
from balie.post.mime import ADDRESS_MAX
from tests.fuzz.runner import run

INPUTS = 4_000  # a mail takes more time than a packet
CORPUS = tuple(path.read_bytes() for path in sorted((Path(__file__).parents[1] / "data" / "mails").glob("*.eml")))


def texts(value: object) -> list[str]:
    """All text in a mail."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for each in value for text in texts(each)]
    if is_dataclass(value):
        return [text for each in fields(value) for text in texts(getattr(value, each.name))]
    return []


def target(data: bytes) -> None:
    mail: Incoming = parse(data)
    assert len(mail.digest) == 32
    assert mail.digest == parse(data).digest
    assert len(mail.subject) <= SUBJECT_MAX and "\n" not in mail.subject
    assert len(mail.text) <= TEXT_MAX
    assert all(len(each) <= ADDRESS_MAX for each in (mail.sender, *mail.recipients))
    for text in texts(mail):
        text.encode()  # no lone surrogates
        assert not set(text) & set("\0\r\x1b\u202e")


if __name__ == "__main__":
    run(target, CORPUS)
