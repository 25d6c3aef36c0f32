"""Why a build failed, from its last lines, and what to do about it."""

from __future__ import annotations

import re

from osupgrade.lab.images.bootstrap import MIRROR
from osupgrade.model.errors import MissingFault

_NETWORK = re.compile(
    r"Temporary failure (in name resolution|resolving)|Could not (resolve|connect)|Network is unreachable|"
    r"Failed to (fetch|establish a new connection)|Connection (refused|timed out)|ENOTFOUND|ETIMEDOUT|ECONNREFUSED",
    re.IGNORECASE,
)


class ImageError(MissingFault):
    """An image could not be built; carries the build's last lines and what to do."""


def plain_lines(text: str) -> list[str]:
    """A build's output as lines without colours and carriage returns, the empty ones left out."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


def diagnose(name: str, step: str, output: str) -> ImageError:
    """The error of a failed build, with a hint that fits what its last lines say."""
    again = f"osupgrade images build {name}"
    message = f"building the image {name} failed at {step}"
    if re.search(r"no space left on device|disk quota exceeded", output, re.IGNORECASE):
        message = f"the disk is full: building the image {name} stopped at {step}"
        hint = f"docker system df shows what uses the space, osupgrade clean frees the lab's share; then {again}"
    elif re.search(r"DO NOT MATCH THE HASHES|computed checksum did NOT match|sha512sum: WARNING", output):
        hint = "the package index served a file that differs from the pinned one: ask whoever runs it; nothing was installed"
    elif re.search(r"SSLError|SELF_SIGNED_CERT|unable to get local issuer|certificate verif", output, re.IGNORECASE):
        hint = f"a proxy re-signs connections? SSL_CERT_FILE=<its CA bundle> {again}"
    elif _NETWORK.search(output):
        hint = (
            f"the build could not reach the network. Mirrors and proxies are taken from {MIRROR}, PIP_INDEX_URL, "
            f"NPM_CONFIG_REGISTRY, HTTP_PROXY and HTTPS_PROXY; then {again}"
        )
    else:
        hint = again
    return ImageError(message, hint=hint, evidence=output)
