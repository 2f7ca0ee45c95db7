"""The nouns that records are made of, and their JSON. No input or output happens here."""
