"""Grades are counted by territory, and their changes by day, from an index alone."""

from alembic import op

revision = "0044"
down_revision = "0043b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_firm_grades_territory", "firm_grades", ["territory", "grade", "points"])
    op.drop_index("ix_firm_grade_changes_day", "firm_grade_changes")
    op.create_index("ix_firm_grade_changes_day", "firm_grade_changes", ["day", "before", "grade"])


def downgrade() -> None:
    op.drop_index("ix_firm_grade_changes_day", "firm_grade_changes")
    op.create_index("ix_firm_grade_changes_day", "firm_grade_changes", ["day"])
    op.drop_index("ix_firm_grades_territory", "firm_grades")
