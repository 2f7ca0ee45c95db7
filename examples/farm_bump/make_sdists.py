"""Makes the sdists: gauge in three releases, river, which binds to it, and flood behind river."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
REQUIRES = {"gauge": (), "river": ("gauge",), "flood": ("river",)}
# What differs from the folders: 1.1 measures otherwise, 2.0 has another table of functions.
CHANGES = {
    ("gauge", "1.1"): {"return 7;": "return 8;"},
    ("gauge", "2.0"): {
        "int (*level)(void);": "int (*unit)(void);\n    int (*level)(void);",
        "static int level(void)": "static int unit(void) { return 1; }\n\nstatic int level(void)",
        "{level};": "{unit, level};",
    },
}


def write_sdist(directory: Path, name: str, version: str) -> None:
    """One sdist: the files of a folder as they are in this release, the backend, and PKG-INFO."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in REQUIRES[name]]
    files = {"PKG-INFO": "".join(f"{line}\n" for line in lines)}
    files["small_backend.py"] = (HERE / "small_backend.py").read_text(encoding="utf-8")
    for path in sorted((HERE / name).rglob("*.*")):
        text = path.read_text(encoding="utf-8")
        for old, new in CHANGES.get((name, version), {}).items():
            text = text.replace(old, new)
        files[path.relative_to(HERE / name).as_posix()] = text
    root = f"{name}-{version}"
    with tarfile.open(directory / f"{root}.tar.gz", "w:gz") as archive:
        for inside, text in files.items():
            member = tarfile.TarInfo(f"{root}/{inside}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    for release in (("gauge", "1.0"), ("river", "1.0"), ("flood", "1.0"), *CHANGES):
        write_sdist(place, *release)
