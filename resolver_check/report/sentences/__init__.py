"""A sentence per reason: one file for each interface, and one for what is no interface's."""
