"""Why hullward and compose-lint find different things, by rule."""

from collections.abc import Mapping

_UNSET = "a variable is not set, so nobody can say: hullward names its line instead of guessing"

# What of theirs is not ours.
THEIRS: Mapping[str, str] = {
    "CL-0004": f"{_UNSET}; they take the missing value for `latest`",
    "CL-0005": f"{_UNSET}; the variable may hold an address",
    "CL-0019": f"{_UNSET}; the variable may hold a digest",
    "CL-0020": "a value of 0 or an empty text in quotes is no secret",
    "CL-0006": _UNSET,
    "CL-0013": "graded by what lies there: a folder of nobody's secrets is not one of the host's",
    "CL-0018": _UNSET,
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
    "container-sensitive-bind": "more paths, and what lies below them",
    "container-published-everywhere": "what the host's network opens counts as well",
    "container-floating-image": "tags that move under other names, such as `edge` and `main`",
    "container-default-capabilities": "the set that is left, whatever the lists say",
    "compose-image-no-digest": "images that are built and pushed under a tag",
    "container-engine-socket": "more engines, and folders that hold a socket",
}
