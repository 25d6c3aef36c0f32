"""Images carried in an archive: whole, compressed, and refused when it is something else."""

import pytest

from osupgrade.lab.images import ImageStore
from osupgrade.lab.images.recipe import Input, Recipe
from osupgrade.model.errors import MissingFault, UsageFault

TINY = Recipe("tiny-archive", "FROM scratch\nCOPY file /\n", inputs=(Input("file", b"a layer"),))


@pytest.mark.parametrize("name", ["images.tar", "images.tar.zst"])
def test_what_was_saved_comes_back(client, tmp_path, name):
    store = ImageStore(client, {TINY.name: TINY})
    tag = store.ensure([TINY.name])[TINY.name]
    try:
        file = tmp_path / name
        assert store.save([TINY.name], file) == file.stat().st_size > 0
        client.images.remove(tag)
        assert not store.present(TINY.name)
        assert store.load(file) == (tag,)
        assert store.present(TINY.name)
    finally:
        client.images.remove(tag)


def test_what_is_not_built_is_not_saved_and_leaves_nothing(client, tmp_path):
    with pytest.raises(MissingFault, match="is not built"):
        ImageStore(client, {TINY.name: TINY}).save([TINY.name], tmp_path / "images.tar")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["images.tar", "images.tar.zst"])
def test_another_file_is_refused(client, tmp_path, name):
    file = tmp_path / name
    file.write_bytes(b"this is no archive" * 100)
    with pytest.raises(UsageFault, match="not an image archive"):
        ImageStore(client).load(file)
    with pytest.raises(UsageFault, match="there is no file"):
        ImageStore(client).load(tmp_path / "nothing.tar")
