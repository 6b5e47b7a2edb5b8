import pytest

from builders import ask, engine, fail, process, snapshot
from hullward.model.facts import (
    Container,
    FileCapability,
    Image,
    ImageFiles,
    OwnedFile,
    Snapshot,
    UnusedImages,
)
from hullward.model.rule import EngineRule, Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules import ALL, image_files
from hullward.rules.image_files import new_privileges_free

BIND = FileCapability("/sbin/haproxy", ("NET_BIND_SERVICE",), effective=True)
SU, CHAGE = OwnedFile("/bin/su", 0), OwnedFile("/bin/chage", 42)
FULL = ImageFiles((SU,), (CHAGE,), (BIND,))
ENGINE_RULES = (image_files.setuid, image_files.file_capability)


def of(files: ImageFiles | None, gap: str = "") -> dict[str, Image]:
    return {"sha256:1": Image("sha256:1", ("shop/app:1",), files=files, files_gap=gap)}


def app(**facts: object) -> Container:
    return Container(**{"name": "app", "image": "shop/app:1", "image_id": "sha256:1", **facts})  # type: ignore[arg-type]


def answers(rule: EngineRule, look: Snapshot) -> list[Fail | Unknown]:
    return list(rule.check(look))


def test_setuid_and_setgid_programs_are_listed_with_their_owners() -> None:
    assert answers(image_files.setuid, snapshot(app(), images=of(FULL))) == [
        Fail("shop/app:1: setuid /bin/su (0); setgid /bin/chage (42)")
    ]


def test_a_long_list_is_cut() -> None:
    many = ImageFiles(tuple(OwnedFile(f"/bin/{i}", 0) for i in range(10)))
    (found,) = answers(image_files.setuid, snapshot(app(), images=of(many)))

    assert isinstance(found, Fail)
    assert found.evidence.endswith("/bin/7 (0) and 2 more")


def test_file_capabilities_are_listed() -> None:
    assert answers(image_files.file_capability, snapshot(app(), images=of(FULL))) == [
        Fail("shop/app:1: /sbin/haproxy (NET_BIND_SERVICE effective)")
    ]


def test_a_program_that_cannot_start_for_want_of_its_capability_is_worse() -> None:
    look = snapshot(app(cap_drop=("ALL",)), images=of(FULL))

    assert answers(image_files.file_capability, look)[1:] == [
        Fail("app cannot start /sbin/haproxy: it lacks NET_BIND_SERVICE", Severity.LOW)
    ]


def test_a_program_without_the_effective_bit_starts_all_the_same() -> None:
    files = ImageFiles(capabilities=(FileCapability("/bin/ping", ("NET_RAW",)),))
    look = snapshot(app(cap_drop=("ALL",)), images=of(files))

    assert answers(image_files.file_capability, look) == [Fail("shop/app:1: /bin/ping (NET_RAW)")]


@pytest.mark.parametrize("rule", ENGINE_RULES)
def test_an_image_without_such_programs_passes(rule: EngineRule) -> None:
    assert answers(rule, snapshot(app(), images=of(ImageFiles()))) == []


@pytest.mark.parametrize("rule", ENGINE_RULES)
def test_an_image_that_was_not_read_is_unknown(rule: EngineRule) -> None:
    not_read = "shop/app:1: image content was not read (--deep)"

    assert answers(rule, snapshot(app(), images=of(None))) == [Unknown(not_read)]
    assert answers(rule, snapshot(app(), images=of(None, "it broke"))) == [
        Unknown("shop/app:1: it broke")
    ]
    assert answers(rule, snapshot(app())) == [Unknown("the image of app could not be read")]


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        (ImageFiles(), {"user": "1000", "uid": 1000}),
        (ImageFiles(), {}),
        (ImageFiles((OwnedFile("/bin/x", 1000),)), {"user": "1000", "uid": 1000}),
        (ImageFiles(setgid=(CHAGE,)), {"user": "1000:42", "uid": 1000}),
        (FULL, {"processes": (process(),)}),
        (FULL, {"cap_drop": ("SETUID",)}),
    ],
)
def test_no_new_privileges_is_free_where_no_program_gives_more(
    files: ImageFiles, facts: dict[str, object]
) -> None:
    found = fail(ask(new_privileges_free, app(**facts), images=of(files)))

    assert found.severity is None
    assert found.evidence.startswith("no program of its image gives it more (")
    assert "--security-opt no-new-privileges:true" in found.remedy


@pytest.mark.parametrize(
    ("files", "facts", "named"),
    [
        (FULL, {}, "setuid /bin/su (0), setgid /bin/chage (42), /sbin/haproxy (NET_BIND_SERVICE"),
        (ImageFiles((SU,)), {"user": "1000", "uid": 1000}, "(uid 1000): setuid /bin/su (0)"),
        (ImageFiles((SU,)), {"processes": (process(), process(2, uid=33))}, "(uid 0, 33): setuid"),
        (ImageFiles((SU,)), {"user": "app", "uid": None}, "whatever its users are): setuid"),
        (ImageFiles((OwnedFile("/m", 6),)), {"cap_drop": ("SETUID",)}, "(uid 0): setuid /m (6)"),
        (ImageFiles(setgid=(CHAGE,)), {"cap_drop": ("ALL",)}, "(uid 0): setgid /bin/chage (42)"),
        (ImageFiles(capabilities=(BIND,)), {"user": "9", "uid": 9}, "(uid 9): /sbin/haproxy"),
    ],
)
def test_what_no_new_privileges_would_cost_is_named(
    files: ImageFiles, facts: dict[str, object], named: str
) -> None:
    found = fail(ask(new_privileges_free, app(**facts), images=of(files)))

    assert found.severity is Severity.INFO
    assert named in found.evidence


def test_a_container_that_has_no_new_privileges_passes_unread() -> None:
    container = app(security_opt=("no-new-privileges",))

    assert ask(new_privileges_free, container, images=of(None)) == []


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (of(None), "image content was not read (--deep)"),
        (of(None, "it broke"), "it broke"),
        ({}, "its image could not be read"),
    ],
)
def test_without_the_content_of_its_image_it_is_unknown(
    images: dict[str, Image], reason: str
) -> None:
    assert ask(new_privileges_free, app(), images=images) == [Unknown(reason)]


def test_an_engine_of_which_the_default_is_unknown_is_unknown() -> None:
    found = ask(
        new_privileges_free, app(), images=of(ImageFiles()), engine=engine(security_options=None)
    )

    assert found == [
        Unknown("no-new-privileges is not set here, and the engine's default is not known")
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (UnusedImages(), []),
        (UnusedImages(3, 2_345_000_000), [Fail("3 images, up to 2.3 GB")]),
        (
            UnusedImages(3, 345_000_000, 1, 45_600_000),
            [Fail("3 images, up to 0.3 GB, 1 of them without a name (45.6 MB)")],
        ),
        (None, [Unknown("it broke")]),
    ],
)
def test_images_that_no_container_uses_are_counted(
    found: UnusedImages | None, said: list[Fail | Unknown]
) -> None:
    look = snapshot(unused_images=found, gaps={"images/json": "it broke"})

    assert answers(image_files.unused, look) == said


def test_the_rules_that_need_the_content_of_images_are_known() -> None:
    assert {
        "image-setuid",
        "image-file-capability",
        "container-new-privileges-free",
    } == image_files.DEEP


@pytest.mark.parametrize(
    ("images", "asked"),
    [({}, False), (of(None), False), (of(ImageFiles()), True), (of(None, "it broke"), True)],
)
def test_they_are_asked_where_an_image_was_looked_at(
    images: dict[str, Image], *, asked: bool
) -> None:
    rules = image_files.answerable(ALL, ["a failure", snapshot(images=images)])

    assert ({rule.id for rule in rules} >= image_files.DEEP) is asked
    assert len(rules) == len(ALL) - (0 if asked else 3)
