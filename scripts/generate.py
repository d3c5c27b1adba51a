"""`llavataros animate` by its old name."""

import sys

from llavataros.animate import main

if __name__ == "__main__":
    sys.exit(main())
