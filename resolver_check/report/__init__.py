"""Results into text and JSON; nothing is decided here."""
