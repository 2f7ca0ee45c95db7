"""A plan from a catalog of 10^5 or 10^6 wheels ÷ a plain read of the rows that it needs.

The catalog (`synthetic_catalog.py`) is made once and kept. NumPy goes from 1.26 to 2.0: its wheels
are real and opened, the records of consumers are those of real ones. With `--sweep` the consumers
are among the most required projects, so that all of the catalog is behind them. The baseline reads
in the same process, with `sqlite3` alone, the bodies of the wheels that the plan judged and the
requirements of all that it walked.

    python benchmarks/plan_size.py --wheels 100000 [--reach 5000] [--sweep] [--cache DIR]
"""

from __future__ import annotations

import argparse
import re
import shutil
import sqlite3
import time
import zipfile
from collections import Counter
from pathlib import Path

from fingerprint import download
from packaging.utils import canonicalize_name
from packaging.version import Version
from synthetic_catalog import Size, make

from backend_shim.embed import embed
from resolver_check.catalog_plan import CatalogQuestion, plan_from_catalog
from resolver_check.conditional import Rules
from resolver_check.model import EvidenceLevel
from resolver_check.plan_model import RebuildPlan, RequestedBump
from resolver_check.sources.catalog import Catalog
from resolver_check.target import target

NUMPYS = ("numpy==1.26.4", "numpy==2.0.2")
TEMPLATES = (
    *("bottleneck==1.3.7", "bottleneck==1.4.2", "lap==0.5.12", "fastparquet==2023.10.1"),
    *("numexpr==2.8.4", "blosc2==2.5.1", "markupsafe==2.1.5", "murmurhash==1.0.9"),
)
PURE = {
    "pure.py": "",
    "pure-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: pure\nVersion: 1.0\n",
    "pure-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "pure-1.0.dist-info/RECORD": "pure.py,,\n",
}


def recorded(requirements: tuple[str, ...], downloads: Path, directory: Path) -> Path:
    """A directory with these wheels, which got records as a farm's have them."""
    if not directory.is_dir():
        draft = directory.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for requirement in requirements:
            wheel = Path(shutil.copy(download(requirement, downloads), draft))
            embed(wheel, build_inputs=None, looked_for={"numpy"})
        with zipfile.ZipFile(draft / "pure-1.0-py3-none-any.whl", "w") as archive:
            for name, text in PURE.items():
                archive.writestr(name, text)
        draft.rename(directory)
    return directory


def peak() -> int:
    """The most that this process had resident, in MB."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) // 1024


def planned(catalog: Path) -> RebuildPlan:
    question = CatalogQuestion(
        requests=[RequestedBump(name=canonicalize_name("numpy"), new=Version("2.0.2"))],
        target=target("3.11", "manylinux_2_28_x86_64"),
    )
    with Catalog(catalog) as opened:
        return plan_from_catalog(opened, question, Rules(level=EvidenceLevel.PROMISED))


def baseline(catalog: Path, plan: RebuildPlan) -> None:
    """Read the rows of the wheels that are planned, and do nothing else."""
    db = sqlite3.connect(catalog)
    names = [each.reference.filename for each in plan.wheels]
    for name in names:
        db.execute(
            "SELECT wheels.*, location, body FROM wheels JOIN places ON places.wheel = wheels.id "
            "JOIN bodies ON bodies.wheel = wheels.id WHERE filename = ?",
            (name,),
        ).fetchone()
    projects = {each.reference.name for each in plan.wheels}
    for name in projects:
        db.execute(
            "SELECT wheel, kind, text FROM requires "
            "WHERE project = (SELECT id FROM strings WHERE text = ?)",
            (name,),
        ).fetchall()
    db.execute("SELECT wheel FROM places WHERE source = 1").fetchall()
    db.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--wheels", type=int, default=100_000)
    parser.add_argument("--reach", type=int)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "wheel-abi-plan-size"
    )
    parser.add_argument("--make-only", action="store_true")
    options = parser.parse_args()
    reach = options.reach or options.wheels // 20
    cache: Path = options.cache
    downloads = cache / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    provider = recorded(NUMPYS, downloads, cache / "provider")
    catalog = cache / f"{options.wheels}-{reach}{'-sweep' * options.sweep}.db"
    if not catalog.is_file():
        started = time.perf_counter()
        size = Size(wheels=options.wheels, consumers=reach, from_popular=options.sweep)
        make(catalog, recorded(TEMPLATES, downloads, cache / "templates"), provider, size)
        print(f"made in {time.perf_counter() - started:.0f} s")
    print(f"{catalog.name}: {catalog.stat().st_size >> 20} MB")
    if options.make_only:
        return
    started, cpu = time.perf_counter(), time.process_time()
    plan = planned(catalog)
    seconds, cpu, memory = time.perf_counter() - started, time.process_time() - cpu, peak()
    started = time.process_time()
    baseline(catalog, plan)
    plain = time.process_time() - started
    actions = Counter(each.action.value for each in plan.wheels)
    print(f"plan {seconds:.2f} s ({cpu:.2f} s of CPU), peak {memory} MB")
    print(f"{len(plan.wheels)} wheels judged, {dict(actions)}, {len(plan.waves)} waves")
    print(f"not reached: {plan.not_reached}")
    print(f"plain read of these rows {plain:.2f} s of CPU, ratio {cpu / plain:.1f}")


if __name__ == "__main__":
    main()
