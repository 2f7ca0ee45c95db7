"""Bytes of a shared object in, a `SharedObject` out. No file is opened here."""
