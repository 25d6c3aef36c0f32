"""A Grizzly cloud made by Grizzly's own code, and its multiplication by SQL."""
