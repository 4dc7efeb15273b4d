"""Writes the seeds of fuzz_safetensors into tests/fuzz/corpus/safetensors: small files, good and bad."""
import json, pathlib, struct

folder = pathlib.Path(__file__).parent / "corpus" / "safetensors"
folder.mkdir(parents=True, exist_ok=True)


def save(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    size = len(text) if length is None else length
    (folder / name).write_bytes(struct.pack("<Q", size) + text + data)


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


save("good", {"__metadata__": {"a": "b"}, "w": tensor("F32", [2, 2], 0, 16), "b": tensor("F16", [3], 16, 22)}, bytes(22))
save("empty", {})
save("scalar", {"s": tensor("F64", [], 0, 8)}, bytes(8))
save("zero", {"z": tensor("I8", [0, 5], 0, 0)})
save("overlap", {"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, bytes(6))
save("hole", {"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 5, 9)}, bytes(9))
save("overflow", {"a": tensor("F64", [2**62, 2**62], 0, 8)}, bytes(8))
save("deep", b'{"a":' + b"[" * 50 + b"]" * 50 + b"}")
save("twice", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x")
save("long", {}, length=2**63)
save("text", b'{"__metadata__":{"a":"\\u00e9\\ud83d\\ude00"},"b\\"":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', b"\1")
