"""What a build is given: files, certificates, proxies, mirrors."""

import io
import tarfile

from osupgrade.lab.images import Recipe
from osupgrade.lab.images.context import build_arguments, host_certificates, pack
from osupgrade.lab.images.recipe import Input


def test_the_context_holds_the_inputs_with_their_modes_and_the_certificates():
    made = Recipe("x", "", inputs=(Input("lab/entry", b"#!", executable=True), Input("a.txt", b"words")))
    with tarfile.open(fileobj=io.BytesIO(pack(made, "FROM y", b"trusted"))) as archive:
        modes = {member.name: member.mode for member in archive}
        assert modes == {"Dockerfile": 0o644, "ca.crt": 0o644, "lab/entry": 0o755, "a.txt": 0o644}
        assert archive.extractfile("ca.crt").read() == b"trusted"


def test_the_first_named_bundle_that_exists_is_trusted(tmp_path):
    (tmp_path / "pip.pem").write_text("pip's")
    environment = {"SSL_CERT_FILE": str(tmp_path / "gone"), "PIP_CERT": str(tmp_path / "pip.pem")}
    assert host_certificates(environment) == b"pip's"
    assert b"BEGIN CERTIFICATE" in host_certificates({})


def test_a_build_gets_the_proxies_and_only_the_mirrors_it_takes():
    environment = {"PIP_INDEX_URL": "i", "npm_config_registry": "n", "https_proxy": "p", "NO_PROXY": "", "HOME": "/h"}
    assert build_arguments(Recipe("x", "", arguments=("LAB_PIP_INDEX",)), environment) == {
        "LAB_PIP_INDEX": "i",
        "https_proxy": "p",
    }
    assert build_arguments(Recipe("x", "", arguments=("NPM_CONFIG_REGISTRY", "OWN")), environment) == {
        "NPM_CONFIG_REGISTRY": "n",
        "https_proxy": "p",
    }
