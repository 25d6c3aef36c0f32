"""Content: what the lab knows of each service. Loaded by the catalog, imported by nobody."""
