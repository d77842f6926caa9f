"""`make setup`: brings everything the project needs into the checkout, and nothing outside of it.

Written so that every Python can read it: if the Python is too old, this file says so in a sentence.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    have = ".".join(str(n) for n in sys.version_info[:3])
    sys.exit("xiu needs Python 3.11 or newer, and this is " + have + ": run `make PYTHON=python3.11 setup`.")

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import steps

sys.exit(steps.main(sys.argv[1:]))
