"""`python -m resolver_check`."""

from resolver_check.cli.main import main

main()
