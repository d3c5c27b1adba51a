"""`llavataros benchmark` by its old name."""

import sys

from llavataros.benchmark.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
