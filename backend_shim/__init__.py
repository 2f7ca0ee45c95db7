"""Build with the project's own backend, then write into the wheel what it is and what went into it.

Standard library only (plus ``tomli`` on Python 3.10): this package enters every build environment.
"""

__version__ = "0.1.0"
