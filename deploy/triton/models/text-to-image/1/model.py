"""Pictures from words by diffusers' text-to-image pipelines: one of ``PIPELINES``, chosen by the parameter ``net``."""

from __future__ import annotations

from dataclasses import dataclass, field

import diffusers
import numpy as np
import torch
import triton_python_backend_utils as pb_utils
from net import Net, array, number, refusal, response, text


@dataclass(frozen=True)
class Recipe:
    """How a pipeline is called: what its authors publish for it."""

    pipeline: str
    steps: int
    guidance_scale: float
    extra: dict = field(default_factory=dict)


PIPELINES = {
    # Distilled nets: guidance is off (0, or 1 where 1 means off), and few steps are all they were trained for.
    "z-image-turbo": Recipe("ZImagePipeline", steps=9, guidance_scale=0.0),
    "flux2-klein-4b": Recipe("Flux2KleinPipeline", steps=4, guidance_scale=1.0),
    "flux1-schnell": Recipe("FluxPipeline", steps=4, guidance_scale=0.0, extra={"max_sequence_length": 256}),
}


class TritonPythonModel(Net):
    """Requests of one size that come together are painted together, each with its own seed."""

    def load(self):
        net = self.parameter("net")
        self.recipe = PIPELINES[net]
        diffusers.utils.logging.set_verbosity_error()
        pipeline = getattr(diffusers, self.recipe.pipeline).from_pretrained(
            str(self.weights), dtype=self.dtype, local_files_only=True, use_safetensors=True
        )
        pipeline.set_progress_bar_config(disable=True)
        if self.device != "cpu" and self.parameter("offload", "no") == "model":
            # Text encoder, transformer and decoder take turns in GPU memory: half of it, a few seconds more.
            pipeline.enable_model_cpu_offload(device=self.device)
        else:
            pipeline.to(self.device)
        self.pipeline = pipeline

    def execute(self, requests):
        answers = [None] * len(requests)
        sizes = {}
        for index, request in enumerate(requests):
            sizes.setdefault((number(request, "width"), number(request, "height")), []).append(index)
        for (width, height), indices in sizes.items():
            group = [requests[index] for index in indices]
            for index, answer in zip(indices, self.painted(group, width, height), strict=True):
                answers[index] = answer
        return answers

    def painted(self, requests, width, height):
        """The answers of requests for one size."""

        def watch(pipeline, _step, _timestep, tensors):
            # diffusers' own switch: the remaining steps are passed over when nobody waits for the picture any more.
            pipeline._interrupt = all(request.is_cancelled() for request in requests)
            return tensors

        try:
            images = self.pipeline(
                prompt=[text(request, "prompt") for request in requests],
                width=width,
                height=height,
                num_inference_steps=self.recipe.steps,
                guidance_scale=self.recipe.guidance_scale,
                # On the CPU, so that a seed gives the same picture alone, in a batch, and on any device.
                generator=[torch.Generator("cpu").manual_seed(number(request, "seed")) for request in requests],
                callback_on_step_end=watch,
                output_type="np",
                **self.recipe.extra,
            ).images
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            return [refusal(f"out of GPU memory: {error}", pb_utils.TritonError.UNAVAILABLE) for _ in requests]
        except Exception as error:  # any failure of the pipeline is the answer, with its text
            pb_utils.Logger.log_warn(f"{type(error).__name__}: {error}")
            return [refusal(f"{type(error).__name__}: {error}", pb_utils.TritonError.INTERNAL) for _ in requests]
        return [
            refusal("the caller has gone", pb_utils.TritonError.CANCELLED)
            if request.is_cancelled()
            else response(request, {"image": shaped(request, np.asarray(image))})
            for request, image in zip(requests, images, strict=True)
        ]


def shaped(request, image):
    """(1, h, w, 3) uint8 of a picture in 0..1; the first axis is the request's batch of one."""
    if array(request, "prompt").shape[0] != 1:
        raise ValueError("one prompt per request: batches are formed by the server")
    return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)[None]
