"""Records in, a judgement out. Nothing is read here."""
