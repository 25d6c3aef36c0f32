"""osupgrade: a laboratory in which an OpenStack upgrade is rehearsed before it is done."""

__version__ = "0.1.0"
