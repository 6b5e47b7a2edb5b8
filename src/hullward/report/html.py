"""The report as one HTML file that needs nothing else: no request, no script to be read."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hullward import __version__
from hullward.model.report import Behaviour, Outcome, Report
from hullward.model.severity import Severity
from hullward.report import cells, page, remedy
from hullward.report.text import visible

_K = TypeVar("_K")

_REACHES = {
    "open": "open",
    "limited": "open to some",
    "blocked": "closed",
    "local": "host only",
    "unknown": "not known",
}
_PIECE = re.compile(r"[^:/=,>]{1,24}(?:->|[:/=,>]+)?|[:/=,>]{1,24}")


def render(report: Report) -> str:
    """Lay out every host; all text from outside is made visible and escaped on its way out."""
    environment = _environment()
    style, script = _source(environment, "report.css"), _source(environment, "report.js")
    hosts = tuple(
        page.ordered(host, f"host-{i}", report.policy) for i, host in enumerate(report.hosts, 1)
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        hosts=hosts,
        counts=_total(host.counts for host in hosts),
        outcomes=_total(host.outcomes for host in hosts),
        behaviours=_total(host.behaviours for host in hosts),
        containers=sum(len(host.report.rows) for host in hosts),
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        version=__version__,
        severities=list(Severity),
        columns=[name.replace("_", " ") for name in cells.COLUMNS],
        reaches=_REACHES,
        Outcome=Outcome,
        Behaviour=Behaviour,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hullward.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["newline"] = Markup("\n")
    environment.filters["sentence"] = remedy.parts
    environment.filters["breakable"] = _breakable
    return environment


def _shown(value: object) -> object:
    """Make every text visible but the markup that was made here."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def _breakable(text: str) -> Markup:
    """Let a long path, port or option be folded behind its punctuation, else where it must."""
    pieces = _PIECE.findall(visible(text))
    return Markup("<wbr>").join(pieces)


def _source(environment: Environment, name: str) -> Markup:
    """Give a file of the package as it is; what stands in it is ours."""
    loader = environment.loader
    text = loader.get_source(environment, name)[0] if loader else ""
    return Markup(text)  # noqa: S704 - our own file


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _total(counts: Iterable[Mapping[_K, int]]) -> Mapping[_K, int]:
    total: Counter[_K] = Counter()
    for count in counts:
        total.update(count)
    return total
