"""What every single migration costs: time, statements, rows, rebuilt tables, locks, room.

``inside/`` runs in the tool's own process, in the release's container, and writes lines of JSON. :mod:`.recorder` takes
it there and brings the lines into the run directory. :mod:`.record` reads them: pure, and so tested without Docker.
"""
