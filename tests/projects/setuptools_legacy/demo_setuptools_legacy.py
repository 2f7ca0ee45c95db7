from demo_version import VERSION as __version__  # noqa: F401
