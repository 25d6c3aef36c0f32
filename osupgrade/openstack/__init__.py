"""Content: what the lab knows of each service. Loaded by the catalog, never imported."""
