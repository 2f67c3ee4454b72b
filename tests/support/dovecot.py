"""A real IMAP server (Debian's dovecot-imapd) in a process of its own, with one mailbox, for tests."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import key_and_certificate
from tests.support.processes import free_port

USER, PASSWORD = "balie@balie.example", 'gehe"im\\'
_STARTED = "starting up"

_CONFIG = """
base_dir = {folder}/run
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail
passdb {{
  driver = passwd-file
  args = scheme=plain {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service anvil {{
  chroot =
  # Who gave a wrong password once would wait at every login.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


@dataclass
class Dovecot:
    """A running server.  tls: believes its certificate."""

    port: int
    tls_port: int
    tls: ssl.SSLContext
    inbox: Path
    delivered: int = 0

    def deliver(self, raw: bytes) -> None:
        """Put a mail in the mailbox, as a mail server does."""
        self.delivered += 1
        name = f"{self.delivered:06}.test"
        (self.inbox / "tmp" / name).write_bytes(raw)
        os.chown(self.inbox / "tmp" / name, self.inbox.stat().st_uid, self.inbox.stat().st_gid)
        (self.inbox / "tmp" / name).rename(self.inbox / "new" / name)

    def seen(self) -> int:
        """Mails that are marked as read."""
        return sum(1 for path in (self.inbox / "cur").iterdir() if "S" in path.name.rpartition(":2,")[2])

    def empty(self) -> None:
        for path in (*(self.inbox / "cur").iterdir(), *(self.inbox / "new").iterdir()):
            path.unlink()


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    assert Path(program).exists(), "Dovecot is missing: apt-get install dovecot-imapd"
    folder = Path(tempfile.mkdtemp(prefix="balie-imap-"))
    me = pwd.getpwuid(os.geteuid())
    if me.pw_uid == 0:  # it refuses to serve mail as root
        owner, internal, login = pwd.getpwnam("nobody"), "dovecot", "dovenull"
    else:
        owner, internal, login = me, me.pw_name, me.pw_name
    try:
        private, public = key_and_certificate("127.0.0.1")
        (folder / "key.pem").write_bytes(private)
        (folder / "cert.pem").write_bytes(public)
        tls = ssl.create_default_context(cadata=public.decode())
        for part in ("", "tmp", "new", "cur"):
            (folder / "mail" / part).mkdir()
            os.chown(folder / "mail" / part, owner.pw_uid, owner.pw_gid)
        folder.chmod(0o755)
        (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        running = Dovecot(free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM), tls, folder / "mail")
        (folder / "dovecot.conf").write_text(
            _CONFIG.format(
                folder=folder,
                internal=internal,
                internal_group=internal if me.pw_uid == 0 else grp.getgrgid(me.pw_gid).gr_name,
                login=login,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                port=running.port,
                tls_port=running.tls_port,
            )
        )
        process = subprocess.Popen(
            [program, "-F", "-c", folder / "dovecot.conf"], stderr=subprocess.PIPE, text=True, cwd=folder
        )
        try:
            assert process.stderr is not None
            heard = ""
            while _STARTED not in heard:
                line = process.stderr.readline()
                assert line, f"dovecot did not start: {heard}"
                heard += line
            yield running
        finally:
            process.terminate()
            process.communicate(timeout=15)
    finally:
        shutil.rmtree(folder)
