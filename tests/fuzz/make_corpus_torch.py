"""Writes the seeds of fuzz_torch into tests/fuzz/corpus/torch, which test_format_torch.c reads too: small files as PyTorch writes them,
and ones that lie. Needs PyTorch (made with 2.15.0)."""
import collections, io, os, pathlib, pickle, zipfile

import torch

folder = pathlib.Path(__file__).parent / "corpus" / "torch"
folder.mkdir(parents=True, exist_ok=True)

# ---------------------------------------------------------------- as PyTorch writes them

state = collections.OrderedDict(
    [("0.weight", torch.arange(6, dtype=torch.float32).reshape(2, 3)), ("0.bias", torch.tensor([0.5, -0.5])),
     ("1.num_batches_tracked", torch.tensor(7))])
torch.save(state, folder / "bare.pt")
torch.save({"model_state_dict": state, "input_dim": 3, "output_dim": 2, "best": 0.25}, folder / "nested.pt")
torch.save(state, folder / "stream.pt", _use_new_zipfile_serialization=False)
shared = torch.arange(12, dtype=torch.float64).reshape(3, 4)
torch.save({"turned": shared.T, "row": shared[1], "column": shared[:, 2], "all": shared,
            "half": torch.tensor([1.5], dtype=torch.float16), "brain": torch.tensor([2.5], dtype=torch.bfloat16),
            "parameter": torch.nn.Parameter(torch.ones(2)), "empty": torch.zeros(0, 3), "flags": torch.tensor([True, False]),
            "list": [torch.tensor([1], dtype=torch.int32), (torch.tensor([2], dtype=torch.uint8),)], 5: torch.tensor([3], dtype=torch.int8)},
           folder / "kinds.pt")
torch.save(torch.nn.Linear(2, 1), folder / "whole.pt")


class Part(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[1.0, 2.0]]))

    def forward(self, x):
        return x @ self.weight.T


class Whole(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part()
        self.register_buffer("size", torch.tensor(16))

    def forward(self, x):
        return self.part(x)


torch.jit.trace(Whole(), torch.zeros(1, 2)).save(folder / "script.pt")
with zipfile.ZipFile(folder / "script.pt") as z:  # without the places of the sources, which differ from machine to machine
    kept = [(info.filename, info.compress_type, z.read(info)) for info in z.infolist() if "debug_pkl" not in info.filename]
with zipfile.ZipFile(folder / "script.pt", "w") as z:
    for entry, method, data in kept:
        info = zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0))
        info.compress_type = method
        z.writestr(info, data)

# ---------------------------------------------------------------- ones that lie


class Storage:
    def __init__(self, kind, key, count):
        self.id = ("storage", kind, key, "cpu", count)


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        self.parts = (storage, offset, shape, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.parts


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.id if isinstance(value, Storage) else None


def archive(name, value, storages, method=zipfile.ZIP_STORED, order=b"little", root="a", pickled=None):
    out = io.BytesIO()
    Pickler(out, 2).dump(value)
    with zipfile.ZipFile(folder / name, "w", method) as z:
        def add(entry, data):
            info = zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            z.writestr(info, data)
        add(f"{root}/data.pkl", pickled or out.getvalue())
        add(f"{root}/byteorder", order)
        for key, data in storages.items():
            add(f"{root}/data/{key}", data)


four = Storage(torch.FloatStorage, "0", 4)
numbers = {"0": bytes(16)}
archive("good", {"a": Tensor(four, 0, (2, 2), (2, 1))}, numbers)
archive("behind", {"a": Tensor(four, 1, (2, 2), (2, 1))}, numbers)
archive("far", {"a": Tensor(four, 0, (2, 2), (1 << 40, 1))}, numbers)
archive("overflow", {"a": Tensor(four, 0, (1 << 33, 1 << 33), (1, 1))}, numbers)
archive("repeated", {"a": Tensor(four, 0, (1 << 30,), (0,))}, numbers)
archive("negative", {"a": Tensor(four, 0, (-1, -1), (1, 1))}, numbers)
archive("dims", {"a": Tensor(four, 0, (1,) * 9, (1,) * 9)}, numbers)
archive("strides", {"a": Tensor(four, 0, (2, 2), (2,))}, numbers)
archive("short", {"a": Tensor(four, 0, (4,), (1,))}, {"0": bytes(12)})
archive("missing", {"a": Tensor(four, 0, (4,), (1,))}, {"1": bytes(16)})
archive("up", {"a": Tensor(Storage(torch.FloatStorage, "../data.pkl", 4), 0, (4,), (1,))}, numbers)
archive("two_types", {"a": Tensor(four, 0, (4,), (1,)), "b": Tensor(Storage(torch.DoubleStorage, "0", 2), 0, (2,), (1,))}, numbers)
square = Storage(torch.FloatStorage, "0", 64)
archive("many", {str(i): Tensor(square, 0, (8, 8), (1, 8)) for i in range(40)}, {"0": bytes(256)})
archive("packed", {"a": Tensor(four, 0, (4,), (1,))}, numbers, zipfile.ZIP_DEFLATED)
archive("big", {"a": Tensor(four, 0, (4,), (1,))}, numbers, order=b"big")
archive("none", {"a": 1}, numbers)
archive("twice", {"1": Tensor(four, 0, (4,), (1,)), 1: Tensor(four, 0, (2,), (1,))}, numbers)
archive("long_name", {"a" * 501: Tensor(four, 0, (4,), (1,))}, numbers)
archive("system", None, numbers, pickled=b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
archive("eval", None, numbers, pickled=b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.")
archive("load", None, numbers, pickled=b"\x80\x02ctorch\nload\nX\x01\x00\x00\x001\x85R.")
archive("folder", {"a": Tensor(four, 0, (4,), (1,))}, numbers, root="a/b")
print(len(os.listdir(folder)), "files")
