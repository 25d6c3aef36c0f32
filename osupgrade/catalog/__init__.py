"""Reads the content that the machinery works on: releases, routes, sites, services."""
