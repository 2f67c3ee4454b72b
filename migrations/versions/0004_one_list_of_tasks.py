"""One list of what a person must do: messages that did not arrive, formal acts, and letters to answer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = "kind, object_id, reason, appointment_id, state, how, outcome, staff_id, opened_s, closed_s"

# Of a message somebody wrote how it ended in the state itself; what has no staff had ended by itself.
OF_MESSAGES = f"""
INSERT INTO task ({COLUMNS})
SELECT 'message', message_id, reason, appointment_id,
    CASE WHEN state = 'open' THEN 'open' WHEN state = 'closed' AND staff_id IS NOT NULL THEN 'skipped' ELSE 'done' END,
    CASE WHEN state = 'open' OR (state = 'closed' AND staff_id IS NULL) THEN '' ELSE state END,
    outcome, staff_id, opened_s, CASE WHEN state <> 'open' THEN coalesce(closed_s, opened_s) END
FROM message_issue WHERE reason <> 'call_me' ORDER BY id
"""

# Who asked to be called had his task at the first message to him: now it is his own.
OF_CALLS = f"""
INSERT INTO task ({COLUMNS})
SELECT 'call', m.participant_id, i.reason, i.appointment_id,
    CASE WHEN i.state = 'open' THEN 'open' WHEN i.state = 'closed' AND i.staff_id IS NOT NULL THEN 'skipped'
        ELSE 'done' END,
    CASE WHEN i.state = 'open' OR (i.state = 'closed' AND i.staff_id IS NULL) THEN '' ELSE i.state END,
    i.outcome, i.staff_id, i.opened_s, CASE WHEN i.state <> 'open' THEN coalesce(i.closed_s, i.opened_s) END
FROM message_issue i JOIN message m ON m.id = i.message_id
WHERE i.reason = 'call_me' AND m.participant_id IS NOT NULL ORDER BY i.id DESC
ON CONFLICT DO NOTHING
"""

# The object was a text, such as payment/12.
OF_ACTS = f"""
INSERT INTO task ({COLUMNS})
SELECT '{{kind}}', CAST(substr(object, {{after}}) AS BIGINT), reason, appointment_id,
    CASE WHEN state = 'open' THEN 'open' ELSE 'done' END, '',
    outcome, staff_id, opened_s, CASE WHEN state <> 'open' THEN coalesce(closed_s, opened_s) END
FROM act_task WHERE object LIKE '{{kind}}/%' ORDER BY id
"""

# Letters that nobody had to read have none.  Who ended one stands in the audit only.
OF_LETTERS = f"""
INSERT INTO task ({COLUMNS})
SELECT 'reply', id, kind, appointment_id,
    CASE status WHEN 'answered' THEN 'done' WHEN 'closed' THEN 'skipped' ELSE 'open' END,
    CASE WHEN status IN ('answered', 'closed') THEN status ELSE '' END,
    '', CAST(NULL AS BIGINT), received_s,
    CASE status WHEN 'answered' THEN coalesce(answered_s, received_s) WHEN 'closed' THEN coalesce(closed_s, received_s)
        END
FROM inbound_message WHERE status <> 'applied' ORDER BY id
"""

# To somebody without an address a message was written that was never sent: for the task to hang on.
ANCHORS = "DELETE FROM message WHERE kind = 'reply' AND variant = 'call_me' AND status = 'cancelled'"


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("object_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("appointment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=500), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_s", sa.BigInteger(), nullable=False),
        sa.Column("closed_s", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("appointment_id IS NOT NULL OR kind = 'reply'", name=op.f("ck_task_about_an_appointment")),
        sa.CheckConstraint("(state = 'open') = (closed_s IS NULL)", name=op.f("ck_task_ended_once")),
        sa.CheckConstraint(
            "kind IN ('call', 'message', 'reply', 'payment', 'reservation', 'document')",
            name=op.f("ck_task_kind_known"),
        ),
        sa.CheckConstraint("state IN ('open', 'done', 'skipped')", name=op.f("ck_task_state_known")),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_task_appointment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_task_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("kind", "object_id", "reason", name=op.f("uq_task_kind_object_id_reason")),
        info={"retention": "task"},
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_appointment_id"), ["appointment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_state_opened_s"), ["state", "opened_s"], unique=False)
    for statement in (OF_MESSAGES, OF_CALLS, *(_of_acts(kind) for kind in ("payment", "reservation", "document"))):
        op.execute(statement)
    before = _number("message_issue WHERE reason <> 'call_me'") + _number("act_task")
    after = _number("task WHERE kind <> 'call'")
    assert before == after, f"{before - after} tasks would be lost: nothing was changed"
    op.execute(OF_LETTERS)
    op.execute(ANCHORS)
    op.drop_table("message_issue")
    op.drop_table("act_task")


def _of_acts(kind: str) -> str:
    return OF_ACTS.format(kind=kind, after=len(kind) + 2)


def _number(what: str) -> int:
    return int(op.get_bind().execute(sa.text(f"SELECT count(*) FROM {what}")).scalar_one())
