"""What an operator can set: sections and defaults.  Reading is balie.reading's, what values may be balie.checks'.

A setting is a field here, a line of config.example.toml and an environment variable BALIE_SECTION_KEY; a test holds
the three together.  Defaults are those of the package that uses the value, where it has one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from yarl import URL

from balie import signing
from balie.checks import (
    LOCAL_NAMES,
    check_address,
    check_clock,
    check_hook_url,
    check_mail_address,
    check_network,
    check_public_address,
    check_turn_url,
    check_url,
)
from balie.errors import ConfigError
from balie.reading import read_settings, setting
from balie.sections.bookkeeping import BookkeepingSection, check_bookkeeping
from balie.sections.documents import DocumentsSection, check_documents
from balie.sections.identity import IdentitySection, check_identity
from balie.sections.payments import PaymentsSection, check_payments
from balie.sections.reservations import ReservationsSection
from media.core.rooms import MEMBERS_MAX, ROOMS_MAX
from media.core.settings import Settings as MediaSettings
from media.io.binding import Binding
from signalling.negotiation import VIDEO_PREFERENCE
from signalling.relays import LIFETIME_S, Relays
from signalling.tokens import LIFETIME_MAX_S, OPERATOR_LIFETIME_MAX_S, SECRET_MIN_BYTES, Key

MEDIA_PORT = 7000
"""Below the ephemeral range (32768 on Linux), not TURN's 3478, which coturn on the same machine would take."""
TURN_SECRET_MIN_BYTES = 16
DRAIN_MAX_S = 7200
"""Two hours: longer than any appointment."""


@dataclass(frozen=True)
class ServerSection:
    """Where pages and the WebSocket are served."""

    host: str = setting("127.0.0.1")
    port: int = setting(8080, least=1, most=65_535)
    public_url: str = setting("http://localhost:8080", check=check_url)
    trusted_proxies: tuple[str, ...] = setting((), check=check_network)
    drain_s: int = setting(10, least=0, most=DRAIN_MAX_S)


@dataclass(frozen=True)
class MediaSection:
    """Where media is received and how much of it."""

    listen: tuple[str, ...] = setting(("0.0.0.0",), check=check_address, nonempty=True)
    port: int = setting(MEDIA_PORT, least=1, most=65_535)
    tcp: bool = setting(Binding.tcp)
    public_addresses: tuple[str, ...] = setting((), check=check_public_address)
    video_codecs: tuple[Literal["VP8", "H264", "VP9", "AV1"], ...] = setting(VIDEO_PREFERENCE, nonempty=True)
    coalesce_ms: float = setting(Binding.coalesce_us / 1000, least=0, most=10)
    rooms_max: int = setting(ROOMS_MAX, least=1, most=100_000)
    participants_max: int = setting(MEMBERS_MAX, least=2, most=50)
    transports_max: int = setting(MediaSettings.transports_max, least=2, most=20_000)
    tracks_max: int = setting(MediaSettings.tracks_max, least=2, most=20_000)
    subscriptions_max: int = setting(MediaSettings.subscriptions_max, least=2, most=200_000)
    history_packets: int = setting(MediaSettings.history_rows, least=2 * MediaSettings.batch_max, most=65_536)


@dataclass(frozen=True)
class TurnSection:
    """TURN servers for who cannot reach the media server itself; they share the secret with us."""

    urls: tuple[str, ...] = setting((), check=check_turn_url)
    secret_file: str = setting("")
    lifetime_s: int = setting(LIFETIME_S, least=600, most=86_400)


@dataclass(frozen=True)
class TokenKeySection:
    """One key of [[tokens.keys]]: exactly one of a secret, a file with one, or Ed25519 PEM files."""

    kid: str = setting("", nonempty=True)
    secret: str = setting("", secret=True)
    secret_file: str = setting("")
    private_key_file: str = setting("")
    public_key_file: str = setting("")


@dataclass(frozen=True)
class TokensSection:
    """Join tokens.  The first key signs, all verify."""

    issuer: str = setting("balie", nonempty=True)
    lifetime_max_s: int = setting(OPERATOR_LIFETIME_MAX_S, least=LIFETIME_MAX_S, most=OPERATOR_LIFETIME_MAX_S)
    keys: tuple[TokenKeySection, ...] = setting(())


@dataclass(frozen=True)
class DatabaseSection:
    """Where appointments are kept."""

    url: str = setting("sqlite:balie.sqlite", nonempty=True)


@dataclass(frozen=True)
class LinksSection:
    """The key that gives personal links again for every message: with it and the database one could enter."""

    secret: str = setting("", secret=True)
    secret_file: str = setting("")


@dataclass(frozen=True)
class MessagesSection:
    """How people are written to.  mode smtp: by us; crm: events carry the text, and another system sends."""

    mode: Literal["smtp", "crm"] = setting("smtp")
    from_name: str = setting("")
    from_address: str = setting("", check=check_mail_address)
    reply_address: str = setting("", check=check_mail_address)
    smtp_host: str = setting("localhost", nonempty=True)
    smtp_port: int = setting(25, least=1, most=65_535)
    smtp_security: Literal["none", "starttls", "tls"] = setting("none")
    smtp_user: str = setting("")
    smtp_password_file: str = setting("")
    smtp_timeout_s: int = setting(30, least=1, most=300)
    sms_url: str = setting("", check=check_hook_url)
    sms_secret_file: str = setting("")
    quiet_from: str = setting("21:00", check=check_clock)
    quiet_until: str = setting("08:00", check=check_clock)


@dataclass(frozen=True)
class InboundSection:
    """Where answers and delivery notices are read: a mailbox by IMAP, or an SMTP listener of our own, or both."""

    imap_host: str = setting("")
    imap_port: int = setting(993, least=1, most=65_535)
    imap_security: Literal["none", "tls"] = setting("tls")
    imap_user: str = setting("")
    imap_password_file: str = setting("")
    imap_folder: str = setting("INBOX", nonempty=True)
    imap_every_s: int = setting(60, least=5, most=3600)
    listen_host: str = setting("127.0.0.1", check=check_address)
    listen_port: int = setting(0, least=0, most=65_535)
    mail_max_bytes: int = setting(10_000_000, least=100_000, most=50_000_000)


@dataclass(frozen=True)
class HookTargetSection:
    """One system that hears of every transition.

    types    prefixes of event types; none: all
    contact  whether it gets names and addresses too
    """

    name: str = setting("", nonempty=True)
    url: str = setting("", nonempty=True, check=check_hook_url)
    secret: str = setting("", secret=True)
    secret_file: str = setting("")
    types: tuple[str, ...] = setting(())
    contact: bool = setting(False)


@dataclass(frozen=True)
class HooksSection:
    """Signed events to other systems, such as a CRM."""

    targets: tuple[HookTargetSection, ...] = setting(())
    timeout_s: int = setting(10, least=1, most=60)
    attempts_max: int = setting(12, least=1, most=50)


@dataclass(frozen=True)
class LogSection:
    level: Literal["debug", "info", "warning", "error"] = setting("info")
    format: Literal["json", "console"] = setting("json")


@dataclass(frozen=True)
class OrganisationSection:
    """Whose counter this is; stands on every page."""

    name: str = setting("Gemeente Voorbeeld", nonempty=True)
    phone: str = setting("+32 2 555 01 23")


@dataclass(frozen=True)
class Settings:
    """All settings.  folder: what file names in it are relative to."""

    server: ServerSection = field(default_factory=ServerSection)
    media: MediaSection = field(default_factory=MediaSection)
    turn: TurnSection = field(default_factory=TurnSection)
    tokens: TokensSection = field(default_factory=TokensSection)
    database: DatabaseSection = field(default_factory=DatabaseSection)
    links: LinksSection = field(default_factory=LinksSection)
    messages: MessagesSection = field(default_factory=MessagesSection)
    inbound: InboundSection = field(default_factory=InboundSection)
    hooks: HooksSection = field(default_factory=HooksSection)
    identity: IdentitySection = field(default_factory=IdentitySection)
    reservations: ReservationsSection = field(default_factory=ReservationsSection)
    payments: PaymentsSection = field(default_factory=PaymentsSection)
    bookkeeping: BookkeepingSection = field(default_factory=BookkeepingSection)
    documents: DocumentsSection = field(default_factory=DocumentsSection)
    log: LogSection = field(default_factory=LogSection)
    organisation: OrganisationSection = field(default_factory=OrganisationSection)
    folder: Path = field(default=Path(), compare=False)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of a file, overridden by the environment.  ConfigError: the first thing that is wrong."""
    sections = read_settings(Settings, path, environment)
    return Settings(**sections, folder=path.parent)


def check_for_serving(settings: Settings, name: str = "config.toml") -> None:
    """What has no default that could be right: a real server must say it."""
    if not settings.media.public_addresses:
        raise ConfigError(
            f"{name} [media] public_addresses",
            list(settings.media.public_addresses),
            "at least one address that browsers reach",
            "Browsers send media straight to it.  `balie doctor` prints this host's addresses.",
        )
    url = URL(settings.server.public_url)
    if url.scheme != "https" and url.host not in LOCAL_NAMES:
        raise ConfigError(
            f"{name} [server] public_url",
            settings.server.public_url,
            "https://",
            "Browsers give camera and microphone to secure pages only; put a reverse proxy with TLS in front.",
        )
    if settings.messages.sms_url and not settings.messages.sms_secret_file:
        raise ConfigError(
            f"{name} [messages] sms_secret_file",
            "",
            "a file with the secret that signs what we send to sms_url",
            "Make one: `openssl rand -base64 32 > sms.key`, for the gateway too.",
        )
    token_keys(settings, name)
    link_key(settings, name)
    relays(settings, name)
    check_identity(settings.identity, name)
    check_payments(settings.payments, name)
    check_bookkeeping(settings.bookkeeping, name)
    check_documents(settings.documents, name)


def token_keys(settings: Settings, name: str = "config.toml") -> tuple[Key, ...]:
    """The keys of join tokens, with their files read.  ConfigError: none, or one that cannot be used."""
    if not settings.tokens.keys:
        raise ConfigError(
            f"{name} [tokens] keys",
            [],
            "at least one key",
            f"Make one of {SECRET_MIN_BYTES} random bytes: `openssl rand -base64 48 > token.key`, then "
            'keys = [{ kid = "1", secret_file = "token.key" }].',
        )
    keys = tuple(
        _token_key(section, settings.folder, f"{name} [tokens] keys[{at}]")
        for at, section in enumerate(settings.tokens.keys)
    )
    kids = [key.kid for key in keys]
    for kid in kids:
        if kids.count(kid) > 1:
            raise ConfigError(f"{name} [tokens] keys", kid, "a different kid for every key")
    return keys


def link_key(settings: Settings, name: str = "config.toml") -> bytes:
    """The key of personal links: of [links], or else derived from the token key that signs.  ConfigError."""
    links = settings.links
    if links.secret and links.secret_file:
        raise ConfigError(f"{name} [links]", None, "one of secret and secret_file")
    secret = links.secret.encode() or _contents(links.secret_file, settings.folder, f"{name} [links] secret_file")
    if not secret:
        signing = token_keys(settings, name)[0]
        return HKDF(SHA256(), 32, salt=None, info=b"balie personal links").derive(signing.secret or signing.private_pem)
    if len(secret) < SECRET_MIN_BYTES:
        raise ConfigError(f"{name} [links]", None, f"a secret of at least {SECRET_MIN_BYTES} bytes")
    return secret


def sms_secret(settings: Settings, name: str = "config.toml") -> bytes:
    """What signs text messages to the gateway and its reports to us; nothing when none is set.  ConfigError."""
    where = f"{name} [messages] sms_secret_file"
    secret = _contents(settings.messages.sms_secret_file, settings.folder, where)
    if secret and len(signing.key(secret)) < signing.SECRET_MIN_BYTES:
        need = f"a file with a secret of at least {signing.SECRET_MIN_BYTES} bytes"
        raise ConfigError(where, None, need, "Make one: `openssl rand -base64 32 > sms.key`, for the gateway too.")
    return secret


def relays(settings: Settings, name: str = "config.toml") -> Relays:
    """The TURN servers and what makes credentials for them; none when no URL is set.  ConfigError."""
    turn, where = settings.turn, f"{name} [turn] secret_file"
    if bool(turn.urls) != bool(turn.secret_file):
        found, missing = ("urls", "secret_file") if turn.urls else ("secret_file", "urls")
        hint = "coturn has it as static-auth-secret." if turn.urls else "Such as turn:turn.example.be?transport=udp."
        raise ConfigError(f"{name} [turn]", found, f"{missing} too", hint)
    secret = _contents(turn.secret_file, settings.folder, where)
    fits = len(secret) >= TURN_SECRET_MIN_BYTES and secret.isascii() and secret.decode().isprintable()
    if turn.urls and not fits:
        need = f"a file with one line of at least {TURN_SECRET_MIN_BYTES} printable characters"
        raise ConfigError(where, None, need, "Make one: `openssl rand -hex 32 > turn.key`; coturn gets the same.")
    return Relays(turn.urls, secret, turn.lifetime_s)


def sends_sms(settings: Settings) -> bool:
    """Whether a telephone number alone can be reached: by our gateway, or by the system that sends for us."""
    return bool(settings.messages.sms_url) or settings.messages.mode == "crm"


def secret_of(name: str, settings: Settings, where: str) -> bytes:
    """What a *_file setting names, or nothing.  ConfigError when it cannot be read."""
    return _contents(name, settings.folder, where)


def _token_key(section: TokenKeySection, folder: Path, where: str) -> Key:
    given = [bool(section.secret), bool(section.secret_file), bool(section.private_key_file or section.public_key_file)]
    if sum(given) != 1:
        raise ConfigError(
            where,
            None,
            "one of secret, secret_file, or private_key_file and/or public_key_file",
            "A file keeps the secret out of backups of this configuration.",
        )
    secret = section.secret.encode() or _contents(section.secret_file, folder, f"{where}.secret_file")
    try:
        key = Key(
            kid=section.kid,
            secret=secret,
            private_pem=_contents(section.private_key_file, folder, f"{where}.private_key_file"),
            public_pem=_contents(section.public_key_file, folder, f"{where}.public_key_file"),
        )
        key.verifying_key()  # reads the PEM now, and not at the first visitor
    except ValueError as error:
        need = f"a secret of at least {SECRET_MIN_BYTES} bytes, or an Ed25519 key as PEM"
        reason = f"Reason: {error}." if "key '" in str(error) else ""
        raise ConfigError(where, None, need, reason) from None
    return key


def _contents(name: str, folder: Path, where: str) -> bytes:
    if not name:
        return b""
    try:
        data = (folder / name).read_bytes().strip()
    except OSError as error:
        raise ConfigError(where, name, f"a file that can be read ({error.strerror})") from None
    if not data:
        raise ConfigError(where, name, "a file that is not empty")
    return data
