"""The build environment in, `BuildInputs` out: what went into a build, nothing secret."""
