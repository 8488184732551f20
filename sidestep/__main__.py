"""`python -m sidestep`: the command without an installed script, as MLflow projects call it."""

from __future__ import annotations

import sys

from sidestep.main import main

if __name__ == "__main__":
    sys.exit(main())
