"""The command line, as `python -m captum_scd`."""

import sys

from captum_scd.cli import main

if __name__ == "__main__":
    sys.exit(main())
