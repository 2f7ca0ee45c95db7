"""The wheel archive: its members, its RECORD, and how a file is added to it."""
