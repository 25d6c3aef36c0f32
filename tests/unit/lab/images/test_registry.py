"""Which registry is meant, and what becomes of its answers. tests/lab/test_images.py asks a real one."""

import pytest
from docker.errors import APIError, NotFound

from osupgrade.lab.images.registry import REGISTRY, Registry, registry_of
from osupgrade.model.errors import Exit, MissingFault, UsageFault

TAG = "osupgrade/small:0123456789ab"


class Images:
    """The engine's images, and a registry that says one thing."""

    def __init__(self, answer=None):
        self.answer, self.tagged, self.removed, self.asked = answer, [], [], []

    @property
    def images(self):
        return self

    def pull(self, repository, tag):
        self.asked.append(f"{repository}:{tag}")
        if self.answer:
            raise self.answer
        return self

    def get(self, tag):
        return self

    def tag(self, repository, tag):
        self.tagged.append(f"{repository}:{tag}")

    def push(self, repository, tag, stream, decode):
        self.asked.append(f"{repository}:{tag}")
        yield {"status": "Preparing"}
        if self.answer:
            yield {"error": str(self.answer)}

    def remove(self, reference, noprune):
        assert noprune  # or the image itself goes with its last name
        self.removed.append(reference)


@pytest.mark.parametrize("said", ["registry.example.org", " registry.example.org/team/ ", "localhost:5000", "registry.example.org/Team/Lab"])
def test_an_address_is_taken_as_it_is(said):
    assert registry_of(None, {REGISTRY: said}).where == said.strip().rstrip("/").lower()


def test_without_the_variable_there_is_none():
    assert registry_of(None, {}) is None
    assert registry_of(None, {REGISTRY: " "}) is None


@pytest.mark.parametrize("said", ["https://registry.example.org", "registry example"])
def test_what_is_no_address_is_refused(said):
    with pytest.raises(UsageFault, match="is a host with a path"):
        registry_of(None, {REGISTRY: said})


def test_an_image_is_pulled_under_the_tag_that_it_has_here():
    engine = Images()
    assert Registry(engine, "r.example/team").pull(TAG)
    assert engine.asked == engine.removed == [f"r.example/team/{TAG}"]
    assert engine.tagged == [TAG]


@pytest.mark.parametrize("answer", [NotFound("no"), APIError("manifest for r/x not found: manifest unknown")])
def test_what_the_registry_has_not_is_no_fault(answer):
    assert not Registry(Images(answer), "r").pull(TAG)


def test_a_registry_that_refuses_is_named_with_what_to_do():
    with pytest.raises(MissingFault, match=f"cannot pull r.example/{TAG}") as caught:
        Registry(Images(APIError("unauthorized")), "r.example").pull(TAG)
    assert caught.value.status == Exit.MISSING
    assert "docker login" in caught.value.hint
    assert "unauthorized" in caught.value.evidence


def test_an_image_is_pushed_and_keeps_only_its_name_here():
    engine = Images()
    Registry(engine, "r.example").push(TAG)
    assert engine.asked == engine.tagged == engine.removed == [f"r.example/{TAG}"]


def test_a_push_that_is_refused_leaves_no_name_behind():
    engine = Images("denied")
    with pytest.raises(MissingFault, match="cannot push") as caught:
        Registry(engine, "r.example").push(TAG)
    assert caught.value.evidence == "denied"
    assert engine.removed == [f"r.example/{TAG}"]
