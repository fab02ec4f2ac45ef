"""Writes the network as ONNX, its weights in half precision: half the size, and
read to full precision when it is loaded."""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn


class Scores(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).softmax(2)


def export(net, path):
    net = net.to("cpu", memory_format=torch.contiguous_format).eval()
    torch.onnx.export(
        Scores(net).eval(), (torch.zeros(1, 1, 48, 160),), str(path),
        input_names=["plate"], output_names=["scores"], opset_version=17, dynamo=False,
    )
    model = onnx.load(str(path))
    halve(model)
    model.doc_string = "Tidewatch's reader of plates; see train/plates"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def halve(model):
    graph = model.graph
    casts = []
    for i, tensor in enumerate(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 512:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), name + "_half")
        graph.initializer[i].CopyFrom(half)
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=onnx.TensorProto.FLOAT))
    for i, node in enumerate(casts):
        graph.node.insert(i, node)
