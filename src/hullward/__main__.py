"""Run hullward with `python -m hullward`."""

from hullward.cli.main import main

if __name__ == "__main__":
    main()
