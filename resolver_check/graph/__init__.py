"""Who depends on whom, and in which order to build. Knows no wheels."""
