"""The command line: a file a verb.

Exit codes: 0 done, 1 our fault or stopped, 2 the user's mistake, 3 a gate that closed.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command; every mistake ends in one sentence on standard error."""
    from reticent.errors import ReticentError

    try:
        _run()
    except ReticentError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        _end("stopped; run the same command again and it goes on where it stopped", 1)
    except MemoryError:
        _end(
            "memory ran out; audit fewer records or set workers = 1, and run again: finished work is kept", 1
        )
    except Exception as error:
        if os.environ.get("RETICENT_DEBUG"):
            raise
        _end(
            f"a fault of ours, {type(error).__name__}: {' '.join(str(error).split())[:200]}; "
            "run again with RETICENT_DEBUG=1 for the details and report them",
            1,
        )


def _run() -> None:
    import typer

    from reticent.cli import attacks, audit, canaries

    app = typer.Typer(
        name="reticent",
        help="Measure what a machine-learning model gives away about the people it learnt from.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(_version)
    app.command("audit")(audit.audit)
    app.command("attacks")(attacks.attacks)
    app.command("canaries")(canaries.canaries)
    app()


def _version(version: bool = False) -> None:
    if version:
        from reticent import __version__

        print(__version__)  # noqa: T201
        raise SystemExit(0)


def _end(sentence: str, code: int) -> None:
    sys.stderr.write(f"reticent: {sentence}\n")
    raise SystemExit(code)
