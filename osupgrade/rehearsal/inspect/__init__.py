"""Inspecting a cloud without running a step on it."""
