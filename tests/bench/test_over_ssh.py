"""The audit over ssh beside its least: handshakes are counted, and what is missed is told."""

from pathlib import Path

import over_ssh
import pytest
from clock import Run


def test_only_logins_count_as_handshakes(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        "Server listening on 127.0.0.1 port 2222.\n"
        "Accepted publickey for root from 127.0.0.1 port 1 ssh2: ED25519 SHA256:x\n"
        "Disconnected from user root 127.0.0.1 port 1\n"
        "Failed none for Accepted publickey for root\n"
        "Accepted publickey for root from 127.0.0.1 port 2 ssh2: ED25519 SHA256:x\n"
    )

    assert over_ssh.logins(str(tmp_path / "ssh_config")) == 2


@pytest.mark.parametrize(
    ("audit", "handshakes", "misses"), [(1.5, 2, 0), (1.7, 2, 1), (1.5, 3, 1), (9, 9, 2)]
)
def test_what_takes_longer_than_twice_the_least_is_told(
    audit: float, handshakes: int, misses: int
) -> None:
    found = {"a": Run(0.3, 0, 0), "b": Run(0.5, 0, 0), "c": Run(audit, 0, 0)}
    lines = "\n".join(over_ssh.section(found, handshakes, 50, "here"))

    assert lines.count("**no**") == misses
    assert f"| {audit / 0.8:.2f} | ≤ 2 |" in lines
