"""What a build is made of: its Dockerfile and inputs in one archive, the host's certificates and its mirrors."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from osupgrade.lab.images.bootstrap import MIRROR
from osupgrade.lab.images.recipe import CERTIFICATES, Recipe

LABEL = "org.osupgrade.image"
"""Every stage of every image has this label, with the image's name."""
BUILD = "org.osupgrade.build"
"""Every stage has this label too, with a token of its own for each build."""

_ARGUMENTS = {
    "LAB_DEBIAN_MIRROR": (MIRROR,),
    "LAB_PIP_INDEX": ("PIP_INDEX_URL",),
    "NPM_CONFIG_REGISTRY": ("NPM_CONFIG_REGISTRY", "npm_config_registry"),
}
"""Build argument -> the host's variables it is taken from."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY")
"""The engine hands these to a build without keeping them in the image."""


def final_dockerfile(recipe: Recipe, starts: Mapping[str, str], token: str) -> str:
    """The Dockerfile as the engine gets it: full tags in its FROM lines, and labels on every stage."""

    def line(found: re.Match[str]) -> str:
        image = found[2]
        return f'{found[1]}{starts.get(image, image)}{found[3]}\nLABEL {LABEL}="{recipe.name}" {BUILD}="{token}"'

    return re.sub(r"^(FROM\s+)(\S+)(.*)$", line, recipe.dockerfile, flags=re.MULTILINE | re.IGNORECASE)


def pack(recipe: Recipe, dockerfile: str, certificates: bytes) -> bytes:
    """The build's context as a tar archive: the Dockerfile, the inputs, and the CA bundle, which only stages copy."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:

        def add(path: str, data: bytes, executable: bool) -> None:
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = 0o755 if executable else 0o644
            archive.addfile(member, io.BytesIO(data))

        add("Dockerfile", dockerfile.encode(), False)
        add(CERTIFICATES, certificates, False)
        for part in recipe.inputs:
            add(part.path, part.data, part.executable)
    return buffer.getvalue()


def host_certificates(environment: Mapping[str, str] = os.environ) -> bytes:
    """The CA bundle that this machine trusts, so that a proxy that re-signs is trusted inside a build as well."""
    named = [
        environment.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
    ]
    usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
    for name in [*named, *usual]:
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return Path(DEFAULT_CA_BUNDLE_PATH).read_bytes()


def build_arguments(recipe: Recipe, environment: Mapping[str, str]) -> dict[str, str]:
    """The build arguments from the host's environment: mirrors the recipe takes, and the proxies."""
    found = {}
    for argument in recipe.arguments:
        for variable in _ARGUMENTS.get(argument, ()):
            if environment.get(variable):
                found[argument] = environment[variable]
                break
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        if environment.get(name):
            found[name] = environment[name]
    return found
