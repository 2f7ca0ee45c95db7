"""Wheels read for judgement: records where they can be used, the binaries where not."""
