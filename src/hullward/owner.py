"""What the owner of the hosts has said once for all: hullward.toml."""

from hullward.host import files
from hullward.model.settings import Settings

FILE = "hullward.toml"


def settings(path: str = "") -> Settings:
    """Read the named file, or hullward.toml of this folder where there is one.

    Raises HullwardError for what cannot be read, or cannot be meant.
    """
    if not path and not files.exists(FILE):
        return Settings()
    name = path or FILE
    data = files.read(name, what="settings file")
    from hullward.collect import settings as parser  # noqa: PLC0415 - few have such a file
    from hullward.rules import ALL  # noqa: PLC0415 - likewise

    return parser.parse(data, name, [rule.id for rule in ALL])
