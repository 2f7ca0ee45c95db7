"""A rebuild plan as one page of HTML that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from resolver_check.plan_model import RebuildPlan
from resolver_check.report.plan_report import bump_text, groups, target_text
from resolver_check.report.plan_rows import PlanRows
from resolver_check.report.printable import printable


def plan_page(plan: RebuildPlan) -> str:
    """The page; nothing in it but the plan, so that the same plan makes the same page."""
    table = PlanRows(plan)
    place = table.place
    style, script = _asset("plan_page.css"), _asset("plan_page.js")
    return _template().render(
        title="Rebuild plan: " + ", ".join(bump_text(bump) for bump in plan.bumps),
        target=target_text(plan),
        level=plan.level.value,
        notes=table.notes,
        totals={key: len(names) for key, names in groups(plan).items()},
        waves=[[[place[name] for name in unit] for unit in wave] for wave in plan.waves],
        rows=table.rows,
        skipped=plan.skipped,
        # What the script draws from: by place in the plan who hangs on whom.
        graph=[
            {
                "requires": [place[name] for name in each.requires],
                "waits_for": [place[name] for name in each.waits_for],
            }
            for each in plan.wheels
        ],
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'",
    )


def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What is marked as safe is this package's own: style, script and escaped JSON.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    return environment.from_string(_asset("plan_page.html.j2"))


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """What a Content-Security-Policy calls an inline element of this text (CSP 3, 2.3.1)."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
