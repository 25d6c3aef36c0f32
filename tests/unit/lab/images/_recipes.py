"""Recipes and trees of images for the tests of this directory."""

from osupgrade.catalog.content import root
from osupgrade.lab.images import Recipe
from osupgrade.lab.images.recipe import Input

IMAGES = root() / "images"


def recipe(name: str, *bases: str, data: bytes = b"") -> Recipe:
    return Recipe(name, f"FROM {name}", bases, inputs=(Input("file", data),) if data else ())


def recipes(*some: Recipe) -> dict[str, Recipe]:
    return {one.name: one for one in some}
