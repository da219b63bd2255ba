"""``python -m ocs`` is the command ``ocs``."""

from ocs.cli import main

if __name__ == "__main__":
    main()
