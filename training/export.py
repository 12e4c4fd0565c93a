"""Write the averaged weights of a checkpoint as the ONNX file that Lensora ships.

``python -m training.export --checkpoint FOLDER/checkpoint.pt --out lensora-shape.onnx`` prints the file's digest and
size for the model manifest, and how far its answers are from the checkpoint's. Weights are stored as 16-bit floats and
cast when the file is loaded; arithmetic stays in 32 bits, which CPUs do fastest.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from services.mesh.network import INPUT, OUTPUTS, FieldFrame
from training.network import CHANNELS, Answer, ShapeNet, Size, assembled

OPSET = 17
SMALL = 512
"""Tensors of fewer values stay in 32 bits: biases and norms weigh nothing and matter."""


class Shipped(nn.Module):
    """The network with its answer in order."""

    def __init__(self, net: ShapeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: Tensor) -> Answer:
        """See ``training.network.assembled``."""
        return assembled(self.net(picture))


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights in 16 bits, each behind a cast."""
    graph = model.graph
    casts = []
    for index, tensor in enumerate(graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= SMALL:
            half = numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}.half")
            casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            graph.initializer[index].CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def export(checkpoint: Path, out: Path) -> None:
    """Write the file and check it against the checkpoint."""
    saved = torch.load(checkpoint, map_location="cpu")
    net = ShapeNet(Size(**saved["size"]))
    net.load_state_dict(saved["mean"])
    shipped = Shipped(net.eval())
    side = FieldFrame().image_px
    picture = torch.rand(2, CHANNELS, side, side, generator=torch.Generator().manual_seed(0)) - 0.5
    torch.onnx.export(
        shipped,
        (picture,),
        str(out),
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        opset_version=OPSET,
        dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
        dynamo=False,
    )
    model = halved(onnx.load(str(out)))
    model.producer_name = "lensora"
    out.write_bytes(model.SerializeToString(deterministic=True))
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    for count in (2, 1, 3):
        some = torch.cat([picture, picture])[:count]
        said = session.run(list(OUTPUTS), {INPUT: some.numpy()})
        with torch.no_grad():
            wanted = shipped(some)
        for name, ours, theirs in zip(OUTPUTS, said, wanted, strict=True):
            print(f"{name}: shape {ours.shape}, largest difference {np.abs(ours - theirs.numpy()).max():.4f}")
    data = out.read_bytes()
    print(f"{saved['seen']} pictures, {saved['minutes']:.0f} minutes")
    print(f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nsize_bytes = {len(data):_}')


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="training.export", description="Write a checkpoint as ONNX.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    export(options.checkpoint, options.out)


if __name__ == "__main__":
    main()
