"""The ways in which one wheel binds to another, one file each; `table.py` lists them."""
