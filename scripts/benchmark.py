"""`llavataros benchmark` by its old name."""

import sys

from llavataros.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
