"""Did a rebuild come out the same? Two wheels against each other, from bytes and records."""
