"""`llavataros demo` by its old name."""

import sys

from llavataros.demo import main

if __name__ == "__main__":
    sys.exit(main())
