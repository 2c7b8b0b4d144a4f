"""Builds `minilm.onnx`, all-MiniLM-L6-v2 without its weights: `python -m chatserver.data.build_minilm_graph`.

The encoder is BERT's (Devlin et al., 2019) with ONNX Runtime's fused operators; `chatserver/adapters/minilm.py` fills
the weights in from the model's own file.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

FILE = Path(__file__).parent / "minilm.onnx"
LAYERS, HIDDEN, HEADS, INNER, WORDS, POSITIONS = 6, 384, 12, 1536, 30522, 512
EPSILON = 1e-12
FUSED = "com.microsoft"


def shapes() -> dict[str, tuple[int, ...]]:
    """Every weight of the graph under its name here."""
    found: dict[str, tuple[int, ...]] = {
        "words": (WORDS, HIDDEN), "positions": (POSITIONS, HIDDEN), "segments": (2, HIDDEN),
        "embed.gamma": (HIDDEN,), "embed.beta": (HIDDEN,),
    }  # fmt: skip
    for layer in range(LAYERS):
        found |= {
            f"{layer}.qkv": (HIDDEN, 3 * HIDDEN), f"{layer}.qkv.bias": (3 * HIDDEN,),
            f"{layer}.out": (HIDDEN, HIDDEN), f"{layer}.out.bias": (HIDDEN,),
            f"{layer}.gamma1": (HIDDEN,), f"{layer}.beta1": (HIDDEN,),
            f"{layer}.up": (HIDDEN, INNER), f"{layer}.up.bias": (INNER,),
            f"{layer}.down": (INNER, HIDDEN), f"{layer}.down.bias": (HIDDEN,),
            f"{layer}.gamma2": (HIDDEN,), f"{layer}.beta2": (HIDDEN,),
        }  # fmt: skip
    return found


def _weight(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "given"
    return tensor


def build() -> bytes:
    nodes = [helper.make_node(
        "EmbedLayerNormalization",
        ["ids", "", "words", "positions", "", "embed.gamma", "embed.beta", "mask"], ["x", "lengths"],
        domain=FUSED, epsilon=EPSILON,
    )]  # fmt: skip
    for layer in range(LAYERS):
        names = {key: f"{layer}.{key}" for key in ("attended", "mixed", "middle", "raised", "bent", "lowered", "end")}
        inside = "x" if layer == 0 else f"{layer - 1}.end"
        nodes += [
            helper.make_node("Attention", [inside, f"{layer}.qkv", f"{layer}.qkv.bias", "lengths"], [names["attended"]],
                             domain=FUSED, num_heads=HEADS),
            helper.make_node("MatMul", [names["attended"], f"{layer}.out"], [names["mixed"]]),
            helper.make_node("SkipLayerNormalization", [
                names["mixed"], inside, f"{layer}.gamma1", f"{layer}.beta1", f"{layer}.out.bias"],
                [names["middle"]], domain=FUSED, epsilon=EPSILON),
            helper.make_node("MatMul", [names["middle"], f"{layer}.up"], [names["raised"]]),
            helper.make_node("BiasGelu", [names["raised"], f"{layer}.up.bias"], [names["bent"]], domain=FUSED),
            helper.make_node("MatMul", [names["bent"], f"{layer}.down"], [names["lowered"]]),
            helper.make_node("SkipLayerNormalization", [
                names["lowered"], names["middle"], f"{layer}.gamma2", f"{layer}.beta2", f"{layer}.down.bias"],
                [names["end"]], domain=FUSED, epsilon=EPSILON),
        ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "minilm",
        [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "length"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info(f"{LAYERS - 1}.end", TensorProto.FLOAT, ["batch", "length", HIDDEN])],
        [_weight(name, shape) for name, shape in shapes().items() if name != "segments"],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="")
    built: bytes = model.SerializeToString(deterministic=True)
    return built


if __name__ == "__main__":
    FILE.write_bytes(build())
