"""One rehearsal, from the request to the outcome."""
