"""What a conversation leaves behind: its legs, what the agent made of it, and where it was recorded.

A revision is never edited once released, and does not import the models: they move on, it stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # there: ten-thousandths


def upgrade() -> None:
    op.create_table(
        "legs",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("outside", sa.String(64), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("talked_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_legs"),
    )
    op.create_index("ix_legs_agent_began_at", "legs", ["agent", "began_at"])
    op.create_table(
        "dispositions",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("amount", _MONEY),
        sa.Column("promised_on", sa.Date()),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_dispositions"),
    )
    op.create_index("ix_dispositions_code_at", "dispositions", ["code", "at"])
    op.create_table(
        "recordings",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("file", sa.String(120), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_recordings"),
    )
    op.create_index("ix_recordings_at", "recordings", ["at"])


def downgrade() -> None:
    for table in ("recordings", "dispositions", "legs"):
        op.drop_table(table)
