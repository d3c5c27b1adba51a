"""`python -m llavataros` is the program `llavataros`."""

import sys

from llavataros.program import main

sys.exit(main())
