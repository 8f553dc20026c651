"""`python -m mlwright`."""

import sys

from mlwright.cli import main

sys.exit(main())
