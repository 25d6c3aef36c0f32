"""What outlives a run, kept by the hash of what made it: seeded clouds as dumps, restored servers as data directories.

``clouds`` keeps dumps in the user's cache. ``store`` keeps clean data directories of database servers in volumes of the
engine; ``records`` are its books, one small file a snapshot in the user's cache.
"""
