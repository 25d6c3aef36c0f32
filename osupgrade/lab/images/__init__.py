"""The lab's images: recipes under ``images/``, tags from their contents, and a builder that makes what is missing."""

from osupgrade.lab.images.build import Progress
from osupgrade.lab.images.diagnosis import ImageError
from osupgrade.lab.images.recipe import Recipe, build_order, database_for, load_recipes, nearest, tag_of
from osupgrade.lab.images.store import ImageInfo, ImageStore

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
