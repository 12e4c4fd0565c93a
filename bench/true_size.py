# ruff: noqa: PLC0415 (each net imports its own library)
"""The nets of the GPU profiles at their true size with random weights: parameters, memory and latency of one run.

Runs in an environment with torch, diffusers and transformers (that of Triton's python backend), started by
``bench.triton``. Sizes are those of the published configurations; the number of parameters that is printed is how to
check them. Latency does not depend on the weights' values; quality cannot be seen from this.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

LATENT_SIDE = 96
"""Latents of a 768 x 768 picture: one for 8 x 8 pixels."""

WORDS = 256
"""Tokens of a wrapped prompt, rounded up."""


def z_image_turbo(device, dtype):
    """One of eight runs of the 6-billion-parameter transformer."""
    from diffusers import ZImageTransformer2DModel

    net = ZImageTransformer2DModel(
        dim=3840, n_layers=30, n_refiner_layers=2, n_heads=30, n_kv_heads=30, cap_feat_dim=2560, in_channels=16
    )
    latents = [torch.zeros(16, 1, LATENT_SIDE, LATENT_SIDE, device=device, dtype=dtype)]
    words = [torch.zeros(WORDS, 2560, device=device, dtype=dtype)]
    return net, lambda n: n(latents, torch.full((1,), 0.5, device=device, dtype=dtype), words), 8


def flux2_klein_4b(device, dtype):
    """One of four runs of the 4-billion-parameter transformer."""
    from diffusers import Flux2Transformer2DModel

    net = Flux2Transformer2DModel(
        patch_size=1,
        in_channels=128,
        num_layers=5,
        num_single_layers=20,
        attention_head_dim=128,
        num_attention_heads=24,
        joint_attention_dim=7680,
        guidance_embeds=False,
    )
    side = LATENT_SIDE // 2
    inputs = {
        "hidden_states": torch.zeros(1, side * side, 128, device=device, dtype=dtype),
        "encoder_hidden_states": torch.zeros(1, WORDS, 7680, device=device, dtype=dtype),
        "timestep": torch.full((1,), 0.5, device=device, dtype=dtype),
        "img_ids": torch.zeros(1, side * side, 4, device=device),
        "txt_ids": torch.zeros(1, WORDS, 4, device=device),
        "guidance": None,
    }
    return net, lambda n: n(**inputs), 4


def flux1_schnell(device, dtype):
    """One of four runs of the 12-billion-parameter transformer."""
    from diffusers import FluxTransformer2DModel

    net = FluxTransformer2DModel(guidance_embeds=False)
    side = LATENT_SIDE // 2
    inputs = {
        "hidden_states": torch.zeros(1, side * side, 64, device=device, dtype=dtype),
        "encoder_hidden_states": torch.zeros(1, WORDS, 4096, device=device, dtype=dtype),
        "pooled_projections": torch.zeros(1, 768, device=device, dtype=dtype),
        "timestep": torch.full((1,), 0.5, device=device, dtype=dtype),
        "img_ids": torch.zeros(side * side, 3, device=device),
        "txt_ids": torch.zeros(WORDS, 3, device=device),
    }
    return net, lambda n: n(**inputs), 4


def qwen3_4b(device, _dtype):
    """The text encoder of Z-Image and of FLUX.2 klein: one run for each prompt."""
    from transformers import Qwen3Config, Qwen3Model

    net = Qwen3Model(
        Qwen3Config(
            vocab_size=151936,
            hidden_size=2560,
            intermediate_size=9728,
            num_hidden_layers=36,
            num_attention_heads=32,
            num_key_value_heads=8,
            head_dim=128,
        )
    )
    return net, lambda n: n(torch.zeros(1, WORDS, dtype=torch.long, device=device)), 1


def florence_2_large(device, dtype):
    """The picture's encoder and 64 generated tokens."""
    from transformers import BartConfig, Florence2Config, Florence2ForConditionalGeneration
    from transformers.models.florence2.configuration_florence2 import Florence2VisionConfig

    text = BartConfig(vocab_size=51290, d_model=1024, max_position_embeddings=4096, forced_eos_token_id=None)
    vision = Florence2VisionConfig(
        embed_dim=(256, 512, 1024, 2048), num_heads=(8, 16, 32, 64), num_groups=(8, 16, 32, 64), projection_dim=1024
    )
    net = Florence2ForConditionalGeneration(
        Florence2Config(text_config=text.to_dict(), vision_config=vision.to_dict(), image_token_id=51289)
    )
    tokens = torch.full((1, 577 + 8), 51289, device=device)
    tokens[:, 577:] = 5
    picture = torch.zeros(1, 3, 768, 768, device=device, dtype=dtype)
    return (
        net,
        lambda n: n.generate(input_ids=tokens, pixel_values=picture, min_new_tokens=64, max_new_tokens=64, num_beams=3),
        1,
    )


def shap_e(device, dtype):
    """One of 64 runs of the prior (twice the batch, for guidance); decoding comes once on top."""
    from diffusers import PriorTransformer

    net = PriorTransformer(
        num_attention_heads=8,
        attention_head_dim=128,
        num_layers=24,
        embedding_dim=1024,
        num_embeddings=1024,
        additional_embeddings=0,
        embedding_proj_dim=1024,
        embedding_proj_norm_type="layer",
        clip_embed_dim=2048,
        time_embed_dim=4096,
        time_embed_act_fn="gelu",
        norm_in_type="layer",
        encoder_hid_proj_type=None,
        added_emb_type=None,
    )
    latents = torch.zeros(2, 1024, 1024, device=device, dtype=dtype)
    picture = torch.zeros(2, 256, 1024, device=device, dtype=dtype)
    return net, lambda n: n(latents, timestep=torch.tensor(500, device=device), proj_embedding=picture), 64


NETS = {
    "flux2-klein-4b": flux2_klein_4b,
    "z-image-turbo": z_image_turbo,
    "flux1-schnell": flux1_schnell,
    "qwen3-4b": qwen3_4b,
    "florence-2-large": florence_2_large,
    "shap-e-img2img": shap_e,
}


def measured(name, device, rounds):
    """One net's row."""
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    torch.set_default_dtype(dtype)
    with torch.device("meta"):
        net, run, runs = NETS[name]("meta", dtype)
    row = {"net": name, "parameters": sum(p.numel() for p in net.parameters()), "runs": runs}
    if device == "meta":
        return row
    del net
    with torch.device(device):
        net, run, runs = NETS[name](device, dtype)
    net.eval().requires_grad_(False)
    run(net)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run(net)
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    row["run_s"] = round(statistics.median(seconds), 5)
    row["total_s"] = round(row["run_s"] * runs, 4)
    if device.startswith("cuda"):
        row["peak_bytes"] = torch.cuda.max_memory_allocated()
    del net
    torch.cuda.empty_cache() if device.startswith("cuda") else None
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cpu, or meta: count parameters alone")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("nets", nargs="*", help=f"some of {', '.join(NETS)}; all if none is named")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    name = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else arguments.device
    rows = [measured(net, arguments.device, arguments.rounds) for net in arguments.nets or NETS]
    print(json.dumps({"device": name, "torch": torch.__version__, "nets": rows}))


if __name__ == "__main__":
    main()
