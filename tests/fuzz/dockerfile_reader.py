"""Any bytes as a Dockerfile: read, followed, changed, or refused in one line; for `make fuzz`."""

import sys

import atheris

with atheris.instrument_imports(include=["hullward.compose", "hullward.fixes.dockerfile"]):
    from hullward.compose.changes import inverse, spliced
    from hullward.compose.dockerfile import parse
    from hullward.compose.recipe import recipe
    from hullward.fixes.dockerfile import UserProposal, unprivileged_user
    from hullward.model.errors import HullwardError


def one_input(data: bytes) -> None:
    """Read it; a proposal must give the user, and the old text back."""
    text = data.decode("utf-8", "replace")
    try:
        recipe(parse(text, "Dockerfile"), "", {"A": None, "B": "1"})
        found = unprivileged_user(text, "Dockerfile", 54321)
    except HullwardError:
        return
    if isinstance(found, UserProposal):
        changed = spliced(text, found.pieces)
        if spliced(changed, inverse(text, found.pieces)) != text:
            raise AssertionError(text)
        if recipe(parse(changed, "Dockerfile")).uid != found.uid:
            raise AssertionError(text)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
