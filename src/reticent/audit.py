from reticent.result import *  # noqa: F403
from reticent.result import Audit, Checks, Provenance  # noqa: F401
