"""`llavataros attention` by its old name."""

import sys

from llavataros.attention import main

if __name__ == "__main__":
    sys.exit(main())
