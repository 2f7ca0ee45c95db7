"""Put the shim around the backend of a pyproject.toml, as an author does by hand."""

import re
import sys
from pathlib import Path

path = Path(sys.argv[1])
text = path.read_text(encoding="utf-8")
# PEP 517: where no backend is named, front ends use setuptools' legacy one.
named = re.search(r'^build-backend\s*=\s*["\'](.+?)["\']\n', text, re.MULTILINE)
backend = named[1] if named else "setuptools.build_meta:__legacy__"
text = text.replace(named[0], "") if named else text
# The build backend is the shim, which is a build requirement itself, ...
text, found = re.subn(
    r"^requires\s*=\s*\[",
    'build-backend = "backend_shim.hooks"\nrequires = ["wheel-abi", ',
    text,
    count=1,
    flags=re.MULTILINE,
)
if not found:
    sys.exit(f"{path}: no [build-system] requires to extend")
# ... and which is told whom it wraps.
text += f'\n[tool.wheel-abi]\nbuild-backend = "{backend}"\nstrict = true\n'
path.write_text(text, encoding="utf-8")
