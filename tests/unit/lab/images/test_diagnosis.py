"""What a build that failed says, and what to do."""

import pytest

from osupgrade.lab.images.diagnosis import diagnose, plain_lines
from osupgrade.model.errors import Exit

# Failures


def test_output_is_read_without_colours_and_progress_bars():
    assert plain_lines("\x1b[91mone\x1b[0m\n 10%\r 20%\r\n\n  two  \n") == ["one", " 10%", " 20%", "  two"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("write /x: no space left on device", "the disk is full"),
        (
            "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
            "a file that differs from the pinned one",
        ),
        ("sha512sum: WARNING: 1 computed checksum did NOT match", "a file that differs from the pinned one"),
        ("ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED]", "SSL_CERT_FILE"),
        ("Retrying after 'SSLError([X509: NO_CERTIFICATE_OR_CRL_FOUND])'", "SSL_CERT_FILE"),
        ("npm ERR! code SELF_SIGNED_CERT_IN_CHAIN", "SSL_CERT_FILE"),
        ("Err:1 Temporary failure resolving 'mirror'", "OSUPGRADE_DEBIAN_MIRROR"),
        ("npm ERR! network ETIMEDOUT", "NPM_CONFIG_REGISTRY"),
        ("error: command 'gcc' failed", "osupgrade images build grizzly"),
    ],
)
def test_a_failed_build_says_what_to_do_and_shows_its_last_lines(output, said):
    fault = diagnose("grizzly", "3/7 RUN x", output)
    assert said in f"{fault.message} {fault.hint}"
    assert "3/7 RUN x" in fault.message
    assert fault.evidence == output
    assert fault.status == Exit.MISSING
