"""`llavataros evaluate` by its old name."""

import sys

from llavataros.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
