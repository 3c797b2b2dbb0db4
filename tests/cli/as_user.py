"""What the process of one command does; `conftest` runs it in a fork of a process that has its imports.

It is given `folder`, `words`, `environment`, and the files `out` and `err` for what is said.
"""
# ruff: noqa: F821

import atexit
import os
import sys
import threading

for stream, file in ((1, out), (2, err)):
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), stream)
os.chdir(folder)
os.environ.update(environment)
sys.argv = ["reticent", *words]
sys.path.insert(0, "")  # a user's recipe lies in the user's folder

from reticent.cli import main  # noqa: E402

code = 0
try:
    main()
except SystemExit as ended:
    code = int(ended.code or 0)
finally:
    sys.stdout.flush()
    sys.stderr.flush()
# What the interpreter does at its end; a process of multiprocessing would wait for idle workers instead
threading._shutdown()
atexit._run_exitfuncs()
os._exit(code)
