"""Writes a speaker model of WeSpeaker's ResNet34 shape with random weights: it costs as much as the real one, and its voiceprints are noise.

    python scripts/bench/resnet34.py TARGET.onnx
    python scripts/bench/resnet34.py tests/fixtures/models/small-resnet.onnx small   the fixture of tests/it/voiceprints.rs

The graph is that of an export of such a model: `feats` [B, T, 80] to `embs` [B, 256], base of 32 channels, blocks 3-4-6-3, the
batch normalisation folded into the convolutions, mean and unbiased standard deviation over time, one linear layer; with what
sherpa-onnx wants to read in the file's properties. The weights are drawn with a fixed seed, so it is always the same file.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BANDS = 80


class Network:
    def __init__(self, seed):
        self.random, self.nodes, self.constants, self.count = np.random.default_rng(seed), [], [], 0

    def constant(self, values):
        self.count += 1
        self.constants.append(numpy_helper.from_array(values, f"c{self.count}"))
        return f"c{self.count}"

    def add(self, operation, *inputs, output=None, **attributes):
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def convolution(self, value, channels_in, channels, size, stride, gain=1.0):
        scale = gain * np.sqrt(2.0 / (channels_in * size * size))
        weights = self.random.normal(0, scale, (channels, channels_in, size, size)).astype(np.float32)
        bias = self.random.normal(0, 0.05, channels).astype(np.float32)
        pad = size // 2
        return self.add("Conv", value, self.constant(weights), self.constant(bias), kernel_shape=[size, size], strides=[stride, stride],
                        pads=[pad] * 4, dilations=[1, 1], group=1)

    def block(self, value, channels_in, channels, stride):
        inner = self.add("Relu", self.convolution(value, channels_in, channels, 3, stride))
        # Weak, so that the sums do not grow from block to block.
        inner = self.convolution(inner, channels, channels, 3, 1, gain=0.3)
        if stride != 1 or channels_in != channels:
            value = self.convolution(value, channels_in, channels, 1, stride, gain=0.7)
        return self.add("Relu", self.add("Add", inner, value))


def build(base=32, stages=(3, 4, 6, 3), embedding=256, seed=34):
    net = Network(seed)
    whole = lambda *values: net.constant(np.array(values, np.int64))
    value = net.add("Unsqueeze", net.add("Transpose", "feats", perm=[0, 2, 1]), whole(1))
    value = net.add("Relu", net.convolution(value, 1, base, 3, 1, gain=0.2))
    channels = base
    for stage, blocks in enumerate(stages):
        for index in range(blocks):
            wanted = base << stage
            value = net.block(value, channels, wanted, 2 if stage and not index else 1)
            channels = wanted
    mean = net.add("Flatten", net.add("ReduceMean", value, axes=[-1], keepdims=0), axis=1)
    centred = net.add("Sub", value, net.add("ReduceMean", value, axes=[-1], keepdims=1))
    variance = net.add("ReduceMean", net.add("Mul", centred, centred), axes=[-1], keepdims=0)
    count = net.add("Cast", net.add("Gather", net.add("Shape", value), whole(3), axis=0), to=TensorProto.FLOAT)
    one_less = net.add("Sub", count, net.constant(np.float32([1])))
    unbiased = net.add("Div", net.add("Mul", variance, count), one_less)
    deviation = net.add("Sqrt", net.add("Add", unbiased, net.constant(np.float32(1e-8))))
    pooled = net.add("Concat", mean, net.add("Flatten", deviation, axis=1), axis=1)
    size = 2 * channels * (BANDS >> len(stages) - 1)
    weights = net.random.normal(0, 1 / np.sqrt(size), (embedding, size)).astype(np.float32)
    linear = net.add("Gemm", pooled, net.constant(weights), net.constant(np.zeros(embedding, np.float32)), transB=1)
    net.add("Sub", linear, net.constant(np.zeros(embedding, np.float32)), output="embs")
    graph = helper.make_graph(
        net.nodes,
        "resnet34",
        [helper.make_tensor_value_info("feats", TensorProto.FLOAT, ["B", "T", BANDS])],
        [helper.make_tensor_value_info("embs", TensorProto.FLOAT, ["B", embedding])],
        net.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    said = {"framework": "wespeaker", "language": "none", "url": "", "comment": "random weights", "sample_rate": 16000,
            "output_dim": embedding, "normalize_samples": 0, "feature_normalize_type": "global-mean"}
    helper.set_model_props(model, {key: str(value) for key, value in said.items()})
    return model


if __name__ == "__main__":
    onnx.save(build(16, (1, 1), 8) if sys.argv[2:] == ["small"] else build(), sys.argv[1])
