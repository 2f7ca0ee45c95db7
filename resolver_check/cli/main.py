"""`resolver-check`: dispatch, and the one place where an error becomes a line and an exit status."""

from __future__ import annotations

import sys

import click

from backend_shim import __version__
from backend_shim.errors import BackendShimError
from resolver_check.cli import exit_status
from resolver_check.cli.judge_command import judge_command
from resolver_check.cli.plan_command import plan_command
from resolver_check.cli.show_command import show_command
from resolver_check.errors import ResolverCheckError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="resolver-check")
def cli() -> None:
    """Which wheels does a bump of a dependency leave valid, and which must be rebuilt?

    \b
    Exit status of every command:
      0  valid, or done
      1  invalid: a rebuild is needed
      2  wrong usage, or input that cannot be read
      3  unknown: not enough evidence; treat it as a rebuild
    """


cli.add_command(judge_command)
cli.add_command(plan_command)
cli.add_command(show_command)


def main() -> None:
    """The console script."""
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        status = _fail("interrupted")
    except click.UsageError as error:
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        status = _fail(error.format_message() + hint)
    except click.ClickException as error:
        status = _fail(error.format_message())
    except (BackendShimError, ResolverCheckError) as error:
        status = _fail(str(error))
    except BrokenPipeError:
        # The reader (`| head`) has gone; what it has seen was right.
        sys.stderr.close()
        status = exit_status.OK
    except OSError as error:
        status = _fail(f"{error.filename or 'input/output'}: {error.strerror or error}")
    sys.exit(status or exit_status.OK)


def _fail(message: str) -> int:
    print(f"resolver-check: {' '.join(message.split())}", file=sys.stderr)
    return exit_status.UNUSABLE
