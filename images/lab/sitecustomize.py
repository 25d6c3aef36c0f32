"""Names of old standard libraries that the pinned packages still look for. Python imports this file at start."""

import ssl

# Python 2.7.18 is built without SSLv3, and eventlet before 0.18 copies the name from ssl when it is imported.
if not hasattr(ssl, "PROTOCOL_SSLv3"):
    ssl.PROTOCOL_SSLv3 = ssl.PROTOCOL_SSLv23
