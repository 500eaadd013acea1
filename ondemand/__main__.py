"""`python -m ondemand` is the command `ondemand`."""

import sys

from ondemand.cli import main

sys.exit(main())
