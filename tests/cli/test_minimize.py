"""`hullward minimize` with words that mean nothing: one clear line, before anything is asked."""

from pathlib import Path

import pytest

from hullward.cli.main import main


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "No container was named."),
        (["web", "--probe", "ftp://x"], "'ftp://x' is no probe."),
        (["web", "--probe", "http://:80/\x1b[2J"], "is no probe."),
        (["--verify", "/no/such/file"], "The certificate '/no/such/file' cannot be read"),
        (["web", "--host", "unix:///no/such.sock"], "No engine listens on /no/such.sock."),
        (["web", "--host", "tcp://127.0.0.1:1"], "cannot be reached"),
        (["web", "-H", "unix:///a", "-c", "b"], "--host and --context were both given."),
        (["web", "--jobs", "-1"], "Invalid value"),
    ],
)
def test_what_means_nothing_is_refused(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["minimize", *words])
    said = capsys.readouterr()

    assert end.value.code == 2
    assert complaint in said.err
    assert "\x1b" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "text", ["", "[]", '{"container": 1}', "\ud83d".encode("utf-8", "surrogatepass")]
)
def test_what_is_no_certificate_is_refused(
    text: str | bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SystemExit) as end:
        main(["minimize", "--verify", str(path)])

    assert end.value.code == 2
    assert "is no certificate" in capsys.readouterr().err
