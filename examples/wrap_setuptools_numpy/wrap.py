"""Put the shim around the backend of a pyproject.toml: the three changes that an author makes by hand."""

import re
import sys
from pathlib import Path

path = Path(sys.argv[1])
text = path.read_text(encoding="utf-8")
# 1. wheel-abi is a build requirement.
text = re.sub(r"^requires\s*=\s*\[", 'requires = ["wheel-abi", ', text, count=1, flags=re.MULTILINE)
# 2. The build backend is the shim ...
backend = re.search(r'^build-backend\s*=\s*["\'](.+?)["\']', text, re.MULTILINE)
if backend is None:
    sys.exit(f"{path}: no build-backend to wrap")
text = text.replace(backend[0], 'build-backend = "backend_shim.hooks"')
# 3. ... which is told whom it wraps.
text += f'\n[tool.wheel-abi]\nbuild-backend = "{backend[1]}"\nstrict = true\n'
path.write_text(text, encoding="utf-8")
