"""A cloud, and one step of it on a route."""
