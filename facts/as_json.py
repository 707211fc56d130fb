"""Fact records as plain data for JSON: every field there, days as ISO text."""

from dataclasses import asdict
from typing import Any

from core.facts import Recall, SpotCheck


def recall_json(recall: Recall) -> dict[str, Any]:
    """All fields of a recall, tuples as lists."""
    values = asdict(recall)
    values["recall_date"] = recall.recall_date.isoformat() if recall.recall_date else None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def spot_check_json(row: SpotCheck) -> dict[str, Any]:
    """All fields of a row, tuples as lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
