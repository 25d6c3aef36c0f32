from osupgrade.model import version


def test_the_hash_changes_with_code_with_data_and_with_names(tmp_path, monkeypatch):
    monkeypatch.setattr(version, "PACKAGE", tmp_path)
    hashes = set()
    for name, text in (("a.py", "1"), ("a.py", "2"), ("data/b.toml", "1"), ("c.py", "1"), ("c.txt", "not code")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        version.code_hash.cache_clear()
        hashes.add(version.code_hash())
    version.code_hash.cache_clear()
    assert len(hashes) == 4
