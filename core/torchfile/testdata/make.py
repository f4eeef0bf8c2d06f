"""Writes the checkpoints of TestTorch with torch itself.

    python3 make.py

torch 1.13.1 (Debian python3-torch). state.pth and legacy.pth hold the same; training.pth is a training checkpoint with
two models, an optimiser and objects of other classes.
"""

import argparse
import collections

import torch

state = collections.OrderedDict()
state["weight"] = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
state["half"] = torch.tensor([1.5, -2.0, 0.25], dtype=torch.float16)
state["bfloat"] = torch.tensor([[1.5, -2.0]], dtype=torch.bfloat16)
state["count"] = torch.tensor(7)
state["double"] = torch.tensor([0.5], dtype=torch.float64)
state["flag"] = torch.tensor([True, False])
state["transposed"] = (torch.arange(6, dtype=torch.float32).reshape(3, 2)).t()
row = torch.arange(8, dtype=torch.float32)
state["tail"] = row[5:]
state["all"] = row
state["empty"] = torch.zeros(0, 3)
state["parameter"] = torch.nn.Parameter(torch.tensor([3.0]))
torch.save(state, "state.pth")
torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)

student, teacher = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
with torch.no_grad():
    for model, value in ((student, 1.0), (teacher, 2.0)):
        model.weight.fill_(value)
        model.bias.fill_(-value)
optimizer = torch.optim.AdamW(student.parameters())
student(torch.ones(1, 3)).sum().backward()
optimizer.step()
torch.save(
    {
        "student": student.state_dict(),
        "teacher": teacher.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 100,
        "args": argparse.Namespace(arch="vit_small", lr=0.0005, names=["a", "b"]),
        "seen": {1, 2},
        "bytes": b"123",
        "center": torch.zeros(1, 4),
    },
    "training.pth",
)
torch.save(teacher, "module.pth")
torch.jit.script(teacher).save("script.pth")
