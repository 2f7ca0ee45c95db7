"""Who depends on whom, in which order to build, and what follows of a build. Opens nothing."""
