"""`resolver-check`: dispatch; here alone an error becomes a line and an exit status."""

from __future__ import annotations

import io
import logging
import os
import sys

import click

from backend_shim import __version__
from backend_shim.errors import BackendShimError
from resolver_check.cli import exit_status
from resolver_check.cli.catalog_command import catalog_command
from resolver_check.cli.diff_command import diff_command
from resolver_check.cli.diff_inputs_command import diff_inputs_command
from resolver_check.cli.env_command import env_command
from resolver_check.cli.install_command import install_command
from resolver_check.cli.judge_command import judge_command
from resolver_check.cli.lock_command import lock_command
from resolver_check.cli.pins_command import pins_command
from resolver_check.cli.plan_command import plan_command
from resolver_check.cli.publish_command import publish_command
from resolver_check.cli.python_command import python_command
from resolver_check.cli.rebuild_command import rebuild_command
from resolver_check.cli.reuse_command import reuse_command
from resolver_check.cli.scan_command import scan_command
from resolver_check.cli.show_command import show_command
from resolver_check.errors import ResolverCheckError
from resolver_check.report.printable import printable


class _Commands(click.Group):
    """A group that ends quietly when it is cut short; click would add a line or another status."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            return _fail("interrupted")
        except BrokenPipeError:
            # The reader (`| head`) has gone with half of the answer: that is no verdict.
            sys.stdout = io.StringIO()
            return exit_status.UNUSABLE


@click.group(
    cls=_Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="resolver-check")
def cli() -> None:
    """Which wheels does a bump of a dependency leave valid, and which must be rebuilt?

    A provider is a project that wheels are compiled against, a consumer a
    wheel that binds to it, a bump the provider's step to another version.
    Wheels that were built with backend_shim carry records: a fingerprint
    (what their binaries offer and need) and build inputs (what went into the
    build). Wheels without them are judged by their binaries.

    \b
    Exit status; where a command differs, its own help says so:
      0  valid, or done
      1  invalid: a rebuild is needed
      2  wrong usage, or input that cannot be read
      3  unknown: not enough evidence; treat it as a rebuild
    """


cli.add_command(catalog_command)
cli.add_command(diff_command)
cli.add_command(diff_inputs_command)
cli.add_command(install_command)
cli.add_command(env_command)
cli.add_command(judge_command)
cli.add_command(lock_command)
cli.add_command(pins_command)
cli.add_command(plan_command)
cli.add_command(publish_command)
cli.add_command(python_command)
cli.add_command(scan_command)
cli.add_command(rebuild_command)
cli.add_command(reuse_command)
cli.add_command(show_command)


def main() -> None:
    """The console script."""
    # stamina warns of every repeated transfer; what comes of it is an answer or an error.
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    if isinstance(sys.stdout, io.TextIOWrapper):
        # An encoding that cannot hold a sign is no reason to give no answer.
        sys.stdout.reconfigure(errors="replace")
    try:
        status = cli.main(prog_name="resolver-check", standalone_mode=False)
    except click.exceptions.Abort:
        status = _fail("interrupted")
    except click.UsageError as error:
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        status = _fail(error.format_message() + hint)
    except click.ClickException as error:
        status = _fail(error.format_message())
    except (BackendShimError, ResolverCheckError) as error:
        status = _fail(str(error))
    except OSError as error:
        status = _fail(f"{error.filename or 'input/output'}: {error.strerror or error}")
    except Exception as error:
        # A fault of this program must not look like a verdict: a traceback would exit with 1.
        if os.environ.get("WHEEL_ABI_TRACEBACK"):
            raise
        status = _fail(
            f"internal error: {type(error).__name__}: {error} "
            "(please report it with what WHEEL_ABI_TRACEBACK=1 prints)"
        )
    sys.exit(status or exit_status.OK)


def _fail(message: str) -> int:
    print(f"resolver-check: {printable(' '.join(message.split()))}", file=sys.stderr)
    return exit_status.UNUSABLE
