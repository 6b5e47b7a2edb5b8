"""Why hullward and compose-lint find different things, by rule."""

from collections.abc import Mapping

_UNSET = "a variable is not set, so nobody can say: hullward names its line instead of guessing"

_READ = "several documents in a file, extended services and tagged values, read as compose does"

# What of theirs is not ours.
THEIRS: Mapping[str, str] = {
    "CL-0004": f"{_UNSET}; they take the missing value for `latest`",
    "CL-0005": f"{_UNSET}; the variable may hold an address",
    "CL-0019": (
        f"{_UNSET}; the variable may hold a digest. What is built here is not pulled: its name is "
        "no pin, and its base is judged"
    ),
    "CL-0020": "a value of 0 or an empty text in quotes is no secret",
}

# What of ours is not theirs, where they have a rule for the like.
OURS: Mapping[str, str] = {
    "container-root": (
        "they see only `user: root` written out; most services set no user, and their Dockerfile "
        "or its base is root"
    ),
    "container-host-device": "devices that they do not list, such as /dev/dri, as low",
    "container-dangerous-capability": "what `privileged` grants without naming it",
    "container-seccomp-unconfined": "`privileged` switches it off without a word",
    "container-apparmor-unconfined": "`privileged` switches it off without a word",
    "container-selinux-disabled": "`privileged` switches it off without a word",
    "compose-literal-secret": "hashes, tokens and passwords in labels, commands and arguments too",
    "container-sensitive-bind": "the whole `/` counts as a socket there",
    "container-floating-image": _READ,
    **dict.fromkeys(
        (
            "container-default-capabilities",
            "container-new-privileges",
            "container-no-cpu-limit",
            "container-no-memory-limit",
            "container-writable-root",
        ),
        _READ,
    ),
    "container-volume-hides-bind": "a path behind a volume, beside that which it shows",
    "container-engine-socket": "`use_api_socket` and `volumes_from` bring it too",
}
