import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.model.facts import Container, Port
from hullward.model.report import Report
from hullward.report import html, map, reach, remedy  # noqa: A004 - the map of the report
from hullward.report.remedy import Block
from hullward.report.text import visible
from report_samples import audited, hostile, one_of_everything, reports, steady, web

_VOID = frozenset({"meta", "br", "wbr", "input"})


class _Page(HTMLParser):
    """What a browser would find: tags that are closed in order, attributes, text, links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.said))


_USUAL = _Page(html.render(hostile("x")))
_NASTY = st.text(
    st.sampled_from("<>&\"'`=/\\ \n\r\t\x00\x1b\x7f\u202e\u200b\u2066\ufeff\ud800{}%#:;ab→")
    | st.characters(),
    max_size=24,
)


def _containers(count: int) -> Report:
    return audited(*(replace(web(f"c{i}"), networks=(f"n{i % 60}",)) for i in range(count)))


@steady
@given(_NASTY)
def test_no_name_becomes_markup(text: str) -> None:
    page = _Page(html.render(hostile(text)))

    assert page.open == []
    assert page.tags <= _USUAL.tags
    assert page.attributes <= _USUAL.attributes
    assert not any(name.startswith("on") or name in {"style", "src"} for name in page.attributes)


@steady
@given(_NASTY)
def test_no_character_that_is_obeyed_or_hidden_is_written(text: str) -> None:
    written = html.render(hostile(text))

    assert all(visible(line) == line for line in written.split("\n"))


def test_a_hostile_name_is_shown_as_it_is() -> None:
    page = _Page(html.render(hostile('<img src=x onerror="alert(1)">\x1b[2J')))

    assert '<img src=x onerror="alert(1)">\\x1b[2J' in page.text
    assert "img" not in page.tags


@steady
@given(reports)
def test_every_report_is_a_whole_page(found: Report) -> None:
    page = _Page(html.render(found))

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_requested_from_anywhere() -> None:
    written = html.render(audited(web()))

    assert not re.search(
        r"url\(|@import|<link|<img|<iframe|\bsrc=|srcset|http-equiv=.refresh", written
    )
    assert "default-src &#39;none&#39;" in written


def test_links_lead_within_the_page_or_to_the_sources_of_a_claim() -> None:
    page = _Page(html.render(audited(web())))

    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    outside = [link for link in page.links if not link.startswith("#")]
    assert inside <= set(page.ids)
    assert outside
    assert all(link.startswith("https://") for link in outside)


def test_a_reference_that_only_looks_like_a_page_is_no_link() -> None:
    said = hostile("javascript:alert(1)")

    assert not any("javascript" in link for link in _Page(html.render(said)).links)


def test_the_policy_allows_exactly_the_style_and_script_of_the_page() -> None:
    written = html.render(one_of_everything())

    for tag in ("style", "script"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", written, re.DOTALL)
        digest = b64encode(sha256(body.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in written


def test_every_verdict_but_a_pass_is_told() -> None:
    text = _Page(html.render(one_of_everything())).text

    for said in (
        "uid 0",
        "no /info",
        "KeyError: 'x'",
        "waived: until the move",
        "it does not answer",
        "Is it on?",
        "A waiver is over.",
    ):
        assert said in text


def test_one_port_range_does_not_hide_the_other_ports_of_the_map() -> None:
    ports = tuple(Port(n, address="0.0.0.0", public=n) for n in range(9000, 9100))  # noqa: S104
    drawn = map.draw(audited(Container("many", ports=ports, networks=("bridge",))).hosts[0])

    assert "0.0.0.0:9000-&gt;9000/tcp" in drawn
    assert "and 97 more" in drawn


def test_up_to_forty_containers_are_drawn_each() -> None:
    for count in (1, 5, 40):
        drawn = map.draw(_containers(count).hosts[0])

        assert all(f"<title>c{i}</title>" in drawn for i in range(count))


def test_more_are_joined_by_network_and_none_is_lost() -> None:
    found = reach.grouped(reach.nodes(_containers(500).hosts[0]), 24)

    assert len(found) == 24
    assert sum(node.count for node in found) == 500
    assert _Page(map.draw(_containers(500).hosts[0])).open == []


def test_a_socket_behind_an_open_port_is_a_path_to_the_host() -> None:
    (node,) = reach.paths(reach.nodes(audited(web()).hosts[0]))

    assert (node.outside, node.inside) == (("[::]:8080->80/tcp",), ("127.0.0.1:8081->81/tcp",))
    assert "Engine socket" in node.doors


def test_a_map_without_containers_is_empty() -> None:
    assert map.draw(audited().hosts[0]) == ""
    assert map.draw(one_of_everything().hosts[1]) == ""


def test_a_remedy_tells_lines_to_copy_from_sentences() -> None:
    text = "In f.yaml, service web:\n  ports:\n    - 80\nthen: docker compose up -d web"

    assert remedy.blocks(text) == (
        Block(code=False, text="In f.yaml, service web:"),
        Block(code=True, text="ports:\n  - 80"),
        Block(code=False, text="then:"),
        Block(code=True, text="docker compose up -d web"),
    )


def test_an_aside_is_not_copied() -> None:
    assert remedy.blocks("docker update --cpus 1 web   (and at `docker run`)") == (
        Block(code=True, text="docker update --cpus 1 web"),
        Block(code=False, text="(and at `docker run`)"),
    )


def test_flags_at_the_end_of_a_sentence_are_code() -> None:
    (block,) = remedy.blocks("Run web anew without: --pid host")

    assert remedy.parts(block.text) == (
        (False, "Run web anew without: "),
        (True, "--pid host"),
    )


@steady
@given(st.text(st.characters(), max_size=60))
def test_no_word_of_a_remedy_is_lost(text: str) -> None:
    shown = " ".join(block.text for block in remedy.blocks(text)).replace("`", "")

    assert shown.split() == text.replace("`", "").split()


def test_a_port_that_the_firewall_closes_is_drawn_as_closed() -> None:
    found = audited(web()).hosts[0]
    local = audited(replace(web(), ports=(Port(81, address="127.0.0.1", public=81),))).hosts[0]

    assert 'class="edge open"' in map.draw(found)
    assert 'class="edge open"' not in map.draw(local)


def test_listeners_that_nobody_could_see_are_not_drawn_as_open() -> None:
    unseen = Container("vpn", network_mode="host", listeners=None)
    drawn = map.draw(audited(unseen).hosts[0])

    assert 'class="edge unknown"' in drawn
    assert 'class="edge open"' not in drawn
