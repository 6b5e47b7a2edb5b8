"""What the last words of ssh mean, and what to do about them."""

from hullward.model.errors import HullwardError

_NO_CONNECTION = 255
_NOT_FOUND = 127

_NO_PERMISSION = (
    "the login on {host} may not use the engine's socket",
    "Use root, or a member of the docker group, which is as powerful as root.",
)
_NO_ENGINE = (
    "docker is installed on {host}, but no engine answers there",
    "Start it: `ssh {host} sudo systemctl start docker`.",
)

# (words of ssh or docker, what they mean, advice); the first that fits wins.
_MEANINGS = (
    (
        "remote host identification has changed",
        "the host key of {host} is not the one in known_hosts",
        (
            "If the machine was re-installed, check its new key and run `ssh-keygen -R {host}`; "
            "if not, somebody may be in between."
        ),
    ),
    (
        "host key verification failed",
        "the host key of {host} is not known or not trusted",
        "Connect once by hand (`ssh {host}`) and compare the fingerprint.",
    ),
    ("permission denied while trying to connect to the docker", *_NO_PERMISSION),
    ("connect: permission denied", *_NO_PERMISSION),
    ("cannot connect to the docker daemon", *_NO_ENGINE),
    ("failed to open the raw stream connection", *_NO_ENGINE),
    (
        "permission denied (",
        "{host} did not accept the login",
        "Try `ssh {host} true`; load your key with ssh-add, or name the user: ssh://user@host.",
    ),
    (
        "too many authentication failures",
        "{host} did not accept the login",
        "ssh offered too many keys: set IdentityFile and IdentitiesOnly for this host.",
    ),
    (
        "connection refused",
        "{host} refuses connections on the ssh port",
        "Check the port, and that sshd runs.",
    ),
    (
        "could not resolve hostname",
        "the name {host} is not known",
        "Check the spelling, your DNS and your ssh configuration.",
    ),
    (
        "timed out",
        "{host} did not answer in time",
        "Check the network and firewall, or give more time with --timeout.",
    ),
    (
        "no route to host",
        "there is no route to {host}",
        "Check the network and the address.",
    ),
    (
        "can't open user config file",
        "the file given with --ssh-config cannot be opened",
        "Check its path.",
    ),
)


def explain(host: str, status: int, words: str) -> HullwardError | None:
    """Turn the end of `ssh HOST docker …` into an error; None when nothing was wrong."""
    lowered = words.lower()
    for sign, meaning, advice in _MEANINGS:
        if sign in lowered:
            what = f"{meaning[:1].upper()}{meaning[1:]}."
            return HullwardError(what.format(host=host), advice.format(host=host))
    if status == _NOT_FOUND or "command not found" in lowered:
        return HullwardError(
            f"The docker command was not found on {host}.",
            "Install docker there, or put it into the PATH of non-interactive logins.",
        )
    last = (words.strip().splitlines() or [""])[-1].strip(" .")
    if status == _NO_CONNECTION:
        return HullwardError(
            f"ssh could not connect to {host}: {last or 'it gave no reason'}.",
            f"Try `ssh {host} true`.",
        )
    if status:
        return HullwardError(
            f"`docker system dial-stdio` failed on {host}: {last or f'exit status {status}'}.",
            f"Try `ssh {host} docker version`.",
        )
    return None
