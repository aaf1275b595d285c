"""`python -m parastance.train`: all subcommands."""

import sys

from parastance.train.cli import main

if __name__ == "__main__":
    sys.exit(main())
