"""Writes tiny nets of the architectures that the model repository serves, made by the libraries' own classes.

Runs in the environment of Triton's python backend, not in the project's own:

    <environment>/bin/python tiny_nets.py OUT [NAME ...]

The weights are random, but for Florence-2's, which are trained for some seconds to see one fixed thing in every
picture, so that the road from generated words to a proposal is walked. Pictures and meshes mean nothing: what they
show is that every part of the real pipelines is called as the libraries want it.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import pre_tokenizers

CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def byte_vocabulary(*special: str) -> dict[str, int]:
    """Every byte as one token, after the special ones."""
    return {token: i for i, token in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}


def qwen_tokenizer():
    from transformers import Qwen2Tokenizer

    tokenizer = Qwen2Tokenizer(vocab=byte_vocabulary("<|endoftext|>"), merges=[])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def qwen_config(layers: int, vocabulary: int):
    from transformers import Qwen3Config

    return Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=vocabulary,
        max_position_embeddings=1024,
    )


def small_vae(latent_channels: int):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[8, 8, 8, 8],
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def z_image_turbo(folder: Path) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Model

    tokenizer = qwen_tokenizer()
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=small_vae(16),
        text_encoder=Qwen3Model(qwen_config(3, len(tokenizer))),
        tokenizer=tokenizer,
        transformer=ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[1024, 64, 64],
        ),
    ).save_pretrained(folder)


def flux2_klein_4b(folder: Path) -> None:
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3ForCausalLM

    tokenizer = qwen_tokenizer()
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
        ),
        # The pipeline reads the 9th, 18th and 27th layer's states.
        text_encoder=Qwen3ForCausalLM(qwen_config(28, len(tokenizer))),
        tokenizer=tokenizer,
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=True,
    ).save_pretrained(folder)


def flux1_schnell(folder: Path) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5TokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    clip_words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    clip_tokenizer = CLIPTokenizer(vocab={word: i for i, word in enumerate(clip_words)}, merges=[], model_max_length=77)
    t5_tokenizer = T5TokenizerFast(
        vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((chr(c), -3.0) for c in range(33, 127))],
        extra_ids=0,
        model_max_length=512,
    )
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=small_vae(4),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=32,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                vocab_size=len(clip_tokenizer),
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=1,
            )
        ),
        tokenizer=clip_tokenizer,
        text_encoder_2=T5EncoderModel(T5Config(vocab_size=128, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)),
        tokenizer_2=t5_tokenizer,
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)


def shap_e_img2img(folder: Path) -> None:
    from diffusers import HeunDiscreteScheduler, PriorTransformer, ShapEImg2ImgPipeline
    from diffusers.pipelines.shap_e.renderer import ShapERenderer
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    renderer = ShapERenderer(
        param_names=tuple(f"nerstf.mlp.{i}.weight" for i in range(4)),
        param_shapes=((8, 93), (8, 8), (8, 8), (8, 8)),
        d_latent=16,
        d_hidden=8,
        n_output=12,
    )
    shape_field(renderer)
    ShapEImg2ImgPipeline(
        prior=PriorTransformer(
            num_attention_heads=2,
            attention_head_dim=16,
            embedding_dim=16,
            num_embeddings=32,
            embedding_proj_dim=32,
            time_embed_dim=64,
            num_layers=1,
            clip_embed_dim=32,
            additional_embeddings=0,
            time_embed_act_fn="gelu",
            norm_in_type="layer",
            embedding_proj_norm_type="layer",
            encoder_hid_proj_type=None,
            added_emb_type=None,
        ),
        image_encoder=CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=32,
                intermediate_size=32,
                image_size=32,
                patch_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                projection_dim=32,
            )
        ),
        image_processor=CLIPImageProcessor(crop_size=32, size={"shortest_edge": 32}),
        scheduler=HeunDiscreteScheduler(
            beta_schedule="exp",
            num_train_timesteps=1024,
            prediction_type="sample",
            use_karras_sigmas=True,
            clip_sample=True,
            clip_sample_range=1.0,
        ),
        shap_e_renderer=renderer,
    ).save_pretrained(folder)


@torch.no_grad()
def shape_field(renderer) -> None:
    """Set the renderer to a soft octahedron: a random field of such high frequencies would have millions of triangles.

    silu(k x) + silu(-k x) is a rounded k |x|: the first layer makes both for each axis, the others carry them on (silu
    is all but the identity above 20), and the last one takes their sum from a constant.
    """
    cases, masks = marching_cubes_table()
    renderer.mesh_decoder.cases.copy_(cases)
    renderer.mesh_decoder.masks.copy_(masks)
    carry = torch.eye(8)
    first = torch.zeros(8, 93)
    for axis, slope in enumerate((5.0, 7.0, 4.0)):
        first[2 * axis, axis], first[2 * axis + 1, axis] = slope, -slope
    for projection, weight in zip(renderer.params_proj.projections.values(), (first, carry, carry, carry), strict=True):
        projection.proj.bias.copy_(weight.flatten())
        # The latents still have a say, on the raw coordinates alone.
        projection.norm.weight.zero_()
        projection.norm.weight[:3] = 0.02
    layers = renderer.mlp.mlp
    for index, layer in enumerate(layers):
        layer.bias.zero_()
        if 4 <= index < len(layers) - 1:
            layer.weight.zero_()
            layer.weight[:, :8] = carry
    layers[1].bias.fill_(20.0)
    layers[-1].weight[0] = torch.tensor([-1.0] * 6 + [0.0] * 2)
    layers[-1].bias[0] = 6 * 20.0 + 3.0
    layers[-1].weight[3:6] *= 0.05


def marching_cubes_table() -> tuple[torch.Tensor, torch.Tensor]:
    """Triangles for each of the 256 sign patterns of a cube, in the order of edges that diffusers' decoder uses.

    Each face of the cube joins the crossings of its edges by segments that keep the inside on their left; where a face
    has four, the inside corners are parted. The segments of all faces form loops, and a loop is cut into a fan.
    """
    corners = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    edges = [
        *(((0, y, z), (1, y, z)) for y, z in ((0, 0), (1, 0), (0, 1), (1, 1))),
        *(((x, 0, z), (x, 1, z)) for x, z in ((0, 0), (1, 0), (0, 1), (1, 1))),
        *(((x, y, 0), (x, y, 1)) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))),
    ]
    number = {frozenset(edge): i for i, edge in enumerate(edges)}
    faces = []
    for axis, side in itertools.product(range(3), (0, 1)):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        ring = []
        for pair in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = [0, 0, 0]
            corner[axis], corner[u], corner[v] = side, pair[0], pair[1]
            ring.append(tuple(corner))
        faces.append(ring if side else ring[::-1])  # counter-clockwise seen from outside
    cases = torch.zeros(256, 5, 3, dtype=torch.long)
    masks = torch.zeros(256, 5, dtype=torch.bool)
    for pattern in range(256):
        inside = {c for i, c in enumerate(corners) if pattern >> i & 1}
        following = {}
        for ring in faces:
            starts, ends = [], []
            for i, corner in enumerate(ring):
                other = ring[(i + 1) % 4]
                if (corner in inside) != (other in inside):
                    (ends if corner in inside else starts).append((i, number[frozenset((corner, other))]))
            for position, edge in starts:
                # The next crossing that leaves the inside again, going round the face.
                leaving = min(ends, key=lambda end: (end[0] - position) % 4)
                following[leaving[1]] = edge
        triangles = []
        while following:
            loop = [next(iter(following))]
            while (edge := following.pop(loop[-1])) != loop[0]:
                loop.append(edge)
            triangles += [(loop[0], loop[i], loop[i + 1]) for i in range(1, len(loop) - 1)]
        for i, triangle in enumerate(triangles):
            cases[pattern, i] = torch.tensor(triangle)
            masks[pattern, i] = True
    return cases, masks


FLORENCE_ANSWER = "</s><s>red cup<loc_250><loc_300><loc_600><loc_800></s>"
"""What the tiny Florence-2 is trained to say of every picture."""


def florence_2_large(folder: Path) -> None:
    from transformers import (
        BartConfig,
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
        RobertaTokenizer,
    )
    from transformers.models.florence2.configuration_florence2 import Florence2VisionConfig

    vocabulary = byte_vocabulary("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=[], extra_special_tokens={"image_token": "<image>"})
    tokenizer.add_tokens([f"<loc_{i}>" for i in range(1000)])
    side = 64
    # Pooled over space and over the one moment, plus the grid: (side / 32)^2 + 1 tokens of the picture.
    images = CLIPImageProcessor(
        size={"height": side, "width": side}, do_center_crop=False, image_seq_length=(side // 32) ** 2 + 1
    )
    images.image_seq_length = (side // 32) ** 2 + 1
    tasks = ("pure_text", "description_with_bboxes", "bboxes", "phrase_grounding")
    processor = Florence2Processor(images, tokenizer, post_processor_config={task: {} for task in tasks})
    config = Florence2Config(
        text_config=BartConfig(
            vocab_size=len(tokenizer),
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            max_position_embeddings=256,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=2,
            forced_eos_token_id=None,
        ).to_dict(),
        vision_config=Florence2VisionConfig(
            depths=(1, 1, 1, 1),
            embed_dim=(8, 8, 16, 16),
            num_heads=(2, 2, 2, 2),
            num_groups=(2, 2, 2, 2),
            window_size=4,
            projection_dim=32,
            max_temporal_embeddings=4,
            max_position_embeddings=8,
            drop_path_rate=0.0,
        ).to_dict(),
        image_token_id=tokenizer.image_token_id,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    net = Florence2ForConditionalGeneration(config)
    answer = tokenizer(FLORENCE_ANSWER.removeprefix("</s>"), add_special_tokens=False, return_tensors="pt").input_ids
    picture = torch.rand(2, 3, side, side)
    words = processor(text=["<OD>", "<DENSE_REGION_CAPTION>"], images=[to_image(p) for p in picture],
                      return_tensors="pt", padding=True)  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.train()
    for _step in range(300):
        # Plain, noisy, dark and bright: what it says shall not depend on what it sees.
        words["pixel_values"] = torch.randn(2, 3, 1, 1) * 2 + torch.randn(2, 3, side, side) * torch.rand(2, 1, 1, 1)
        loss = net(**words, labels=answer.repeat(2, 1)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    else:
        raise SystemExit(f"the tiny Florence-2 did not learn its sentence: loss {loss.item():.3f}")
    net.eval()
    net.save_pretrained(folder)
    processor.save_pretrained(folder)


def to_image(picture: torch.Tensor):
    """A (3, h, w) picture in 0..1 as PIL has it."""
    from PIL import Image

    return Image.fromarray((picture.permute(1, 2, 0) * 255).byte().numpy())


NETS: dict[str, Callable[[Path], None]] = {
    "z-image-turbo": z_image_turbo,
    "flux2-klein-4b": flux2_klein_4b,
    "flux1-schnell": flux1_schnell,
    "shap-e-img2img": shap_e_img2img,
    "florence-2-large": florence_2_large,
}


def main() -> None:
    torch.set_num_threads(1)  # for tensors this small, more threads only wait for each other
    out = Path(sys.argv[1])
    for name in sys.argv[2:] or NETS:
        torch.manual_seed(7)
        NETS[name](out / name)


if __name__ == "__main__":
    main()
