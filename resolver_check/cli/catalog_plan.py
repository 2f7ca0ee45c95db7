"""What `plan --catalog` is asked."""

from __future__ import annotations

from pathlib import Path

from resolver_check.cli.plan_state import Asked
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.plan_model import RebuildPlan
from resolver_check.sources.catalog import Catalog
from resolver_check.target import target


def plan_of_catalog(
    path: Path,
    asked: Asked,
    rules: Rules,
    *,
    lists_all: bool,
    reads_wheels: bool,
    is_offline: bool,
) -> RebuildPlan:
    """The plan for what the catalog at `path` holds. Raises SourceUnavailable, UsageError."""
    try:
        from resolver_check.catalog_plan import (  # noqa: PLC0415 - heavy, an extra
            CatalogQuestion,
            plan_from_catalog,
        )
    except ImportError as error:
        wrong = "a plan from a catalog needs NumPy: pip install 'wheel-abi[check,fast]'"
        raise UsageError(wrong) from error
    if not asked.requests:
        raise UsageError("--bump or --gone says what is planned")
    if len(asked.sources) > 1:
        raise UsageError("a plan from a catalog is for one --source of it")
    with Catalog(path) as catalog:
        question = CatalogQuestion(
            requests=asked.requests,
            target=target(asked.python, asked.platform),
            source=asked.sources[0] if asked.sources else None,
            newest_only=asked.versions == "newest",
            forced=frozenset(asked.forced),
            lists_all=lists_all,
            reads_wheels=reads_wheels,
            is_offline=is_offline,
        )
        return plan_from_catalog(catalog, question, rules)
