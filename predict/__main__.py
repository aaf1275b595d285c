"""`python -m parastance.predict`: the predict command alone, with no training code at hand."""

import sys

from parastance.predict.cli import main

if __name__ == "__main__":
    sys.exit(main())
