"""The lab's images: recipes under ``images/``, tags from their contents, and a builder that makes what is missing."""

from osupgrade.lab.images.recipe import Recipe, build_order, database_for, load_recipes, nearest, tag_of
from osupgrade.lab.images.store import ImageError, ImageInfo, ImageStore, Progress

__all__ = [
    "ImageError",
    "ImageInfo",
    "ImageStore",
    "Progress",
    "Recipe",
    "build_order",
    "database_for",
    "nearest",
    "load_recipes",
    "tag_of",
]
