"""Objects of a photo in free words: Florence-2 by transformers' own class."""

from __future__ import annotations

import numpy as np
import torch
import triton_python_backend_utils as pb_utils
from net import Net, array, refusal, response, text
from PIL import Image
from transformers import AutoProcessor, Florence2ForConditionalGeneration
from transformers.utils import logging

BEAMS = 3
"""What the authors' model card uses."""


class TritonPythonModel(Net):
    """Requests that come together go through the net together."""

    def load(self):
        logging.set_verbosity_error()
        folder = str(self.weights)
        self.longest = int(self.parameter("max_new_tokens", "1024"))
        self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.net = Florence2ForConditionalGeneration.from_pretrained(
            folder, dtype=self.dtype, local_files_only=True, use_safetensors=True
        )
        self.net.to(self.device).eval()

    def execute(self, requests):
        waiting = [request for request in requests if not request.is_cancelled()]
        answers = {}
        if waiting:
            try:
                answers = {id(r): a for r, a in zip(waiting, self.seen(waiting), strict=True)}
            except Exception as error:  # any failure of the net is the answer, with its text
                pb_utils.Logger.log_warn(f"{type(error).__name__}: {error}")
                # One response object for each request: Triton takes each of them apart.
                text_of = f"{type(error).__name__}: {error}"
                return [refusal(text_of, pb_utils.TritonError.INTERNAL) for _ in requests]
        gone = pb_utils.TritonError.CANCELLED
        return [
            response(request, answers[id(request)]) if id(request) in answers else refusal("the caller has gone", gone)
            for request in requests
        ]

    def seen(self, requests):
        """Boxes and labels, or a caption, for each request."""
        images = [Image.fromarray(array(request, "image")[0]) for request in requests]
        tasks = [text(request, "task") for request in requests]
        inputs = self.processor(text=tasks, images=images, return_tensors="pt", padding=True).to(
            self.device, self.dtype
        )
        tokens = self.net.generate(**inputs, max_new_tokens=self.longest, num_beams=BEAMS, do_sample=False)
        written = self.processor.batch_decode(tokens, skip_special_tokens=False)
        answers = []
        for image, task, words in zip(images, tasks, written, strict=True):
            found = self.processor.post_process_generation(words, task=task, image_size=image.size)[task]
            regions = found if isinstance(found, dict) else {"bboxes": [], "labels": []}
            boxes = np.asarray(regions["bboxes"], np.float32).reshape(-1, 4)
            boxes /= np.array([*image.size, *image.size], np.float32)
            labels = np.array([str(label).strip().encode() for label in regions["labels"]], object)
            caption = found if isinstance(found, str) else ""
            answers.append(
                {
                    "boxes": np.clip(boxes, 0.0, 1.0)[None],
                    "labels": labels.reshape(1, -1),
                    "caption": np.array([[caption.encode()]], object),
                }
            )
        return answers

    def finalize(self):
        del self.net
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
