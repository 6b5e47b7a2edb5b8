"""Any bytes as compose files: read, or refused with a HullwardError; `make fuzz` runs it.

What stands behind the first NUL byte is every other file that the first one names.
"""

import sys

import atheris

with atheris.instrument_imports(include=["hullward.compose"]):
    from hullward.compose import project
    from hullward.compose.model import MissingFileError
    from hullward.model.errors import HullwardError

FILE = "/p/compose.yaml"


def one_input(data: bytes) -> None:
    """Read one project."""
    main, sign, other = data.partition(b"\0")

    def load(path: str) -> bytes:
        if path == FILE:
            return main
        if sign:
            return other
        raise MissingFileError(f"{path} is not there", "Write it.")

    try:
        project.read([FILE], {"HOME": "/root", "V": "v"}, load)
    except HullwardError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
