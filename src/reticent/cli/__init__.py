"""The command line: a file a verb.

Exit codes: 0 done, 1 our fault or stopped, 2 the user's mistake, 3 a gate that closed, 4 a trial
without the power to say anything (not a pass).
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

INTERRUPTED = 130
"""What the command-line library makes of Ctrl-C."""


def main() -> None:
    """Run the command; every mistake ends in one sentence on standard error."""
    from click.exceptions import Abort, ClickException

    from reticent.errors import ReticentError, said

    try:
        code = _run()
        if code == INTERRUPTED:
            raise KeyboardInterrupt
    except ClickException as error:
        _end(f"{error.format_message()} (`reticent --help` lists what there is)", 2)
    except ReticentError as error:
        _end(str(error), error.exit_code)
    except (KeyboardInterrupt, Abort):
        _end("stopped; run the same command again and it goes on where it stopped", 1)
    except MemoryError:
        _end(
            "memory ran out; audit fewer records or set workers = 1, and run again: finished work is kept", 1
        )
    except Exception as error:
        if os.environ.get("RETICENT_DEBUG"):
            raise
        _end(f"a fault of ours ({said(error)}); set RETICENT_DEBUG=1 for the details and report them", 1)
    raise SystemExit(code)


def _run() -> int:
    import typer

    from reticent.cli import (
        anonymise,
        attacks,
        audit,
        canaries,
        detune,
        extract,
        harden,
        synthesise,
        verify_dp,
    )

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
    app.command("harden")(harden.harden)
    app.command("extract")(extract.extract)
    app.command("anonymise")(anonymise.anonymise)
    app.command("detune")(detune.detune)
    app.command("synthesise")(synthesise.synthesise)
    app.command("verify-dp")(verify_dp.verify_dp)
    return app(standalone_mode=False) or 0  # so that Ctrl-C and mistakes come to `main`


def _version(version: bool = False) -> None:
    if version:
        from reticent import __version__

        print(__version__)  # noqa: T201
        raise SystemExit(0)


def _end(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"reticent: {sentence}\n")
    raise SystemExit(code)
