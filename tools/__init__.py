"""Tools for developers of the lab; not shipped."""
