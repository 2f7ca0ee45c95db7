"""A project that carries the shim in its own tree."""
