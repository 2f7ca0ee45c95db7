"""``python -m backend_shim``: the same as the command ``backend-shim``."""

from __future__ import annotations

import sys

from backend_shim.cli import main

if __name__ == "__main__":
    sys.exit(main())
