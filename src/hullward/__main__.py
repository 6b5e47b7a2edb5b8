"""Run hullward with `python -m hullward`."""

from hullward.cli.main import run

if __name__ == "__main__":
    run()
