"""An identification that staff asked anew counts no longer, and who found that a name that differs is right"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("identification", sa.Column("void_s", sa.BigInteger(), nullable=True))
    op.add_column("identification", sa.Column("accepted_s", sa.BigInteger(), nullable=True))
    key = "fk_identification_accepted_by"
    if op.get_bind().dialect.name == "sqlite":
        # Copying the table, as a constraint of its own would need, would lose what hangs on it.
        op.execute(f"ALTER TABLE identification ADD COLUMN accepted_by INTEGER CONSTRAINT {key} REFERENCES staff (id)")
    else:
        op.add_column("identification", sa.Column("accepted_by", ID, nullable=True))
        op.create_foreign_key(key, "identification", "staff", ["accepted_by"], ["id"])
