"""`python -m pinn` is `pinn`."""

import sys

from pinn.cli.main import main

sys.exit(main())
