"""`llavataros import-uea` by its old name."""

import sys

from llavataros.import_uea import main

if __name__ == "__main__":
    sys.exit(main())
