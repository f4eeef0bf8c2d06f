"""Writes the checkpoints of TestGolden with torch itself, and what torch computes with them.

    python3 make.py

torch 1.13.1 (Debian python3-torch). Each checkpoint is one that the code of Chen et al. 2024 (arXiv:2403.08477) could have left, of a size
for tests: the names, the shapes and the order are the authors'. hf.pt has the ViT-S names and is a training checkpoint, hub.pt has the ViT-B
names and is a bare state dict. Beside each, NAME.expected.pt has the router's logits and scores for one task and every tensor of the merged
backbone, by its name in the checkpoint.
"""

import collections

import torch
from torch import nn

torch.manual_seed(0)

DIM, MLP, DEPTH, EXPERTS, PATCH, POSITIONS = 8, 16, 2, 3, 4, 5
TASKS = 14000  # temperature 1.5


def backbone(kind):
    """The tensors of a backbone in the order of named_parameters."""
    shapes = collections.OrderedDict()

    def module(name, *shape):
        shapes[name + ".weight"] = shape
        shapes[name + ".bias"] = shape[:1]

    if kind == "hf":
        shapes["embeddings.cls_token"] = (1, 1, DIM)
        shapes["embeddings.position_embeddings"] = (1, POSITIONS, DIM)
        module("embeddings.patch_embeddings.projection", DIM, 3, PATCH, PATCH)
        for i in range(DEPTH):
            at = f"encoder.layer.{i}."
            for part in ("query", "key", "value"):
                module(at + "attention.attention." + part, DIM, DIM)
            module(at + "attention.output.dense", DIM, DIM)
            module(at + "intermediate.dense", MLP, DIM)
            module(at + "output.dense", DIM, MLP)
            module(at + "layernorm_before", DIM)
            module(at + "layernorm_after", DIM)
        module("layernorm", DIM)
    else:
        shapes["cls_token"] = (1, 1, DIM)
        shapes["pos_embed"] = (1, POSITIONS, DIM)
        module("patch_embed.proj", DIM, 3, PATCH, PATCH)
        for i in range(DEPTH):
            at = f"blocks.{i}."
            module(at + "norm1", DIM)
            module(at + "attn.qkv", 3 * DIM, DIM)
            module(at + "attn.proj", DIM, DIM)
            module(at + "norm2", DIM)
            module(at + "mlp.fc1", MLP, DIM)
            module(at + "mlp.fc2", DIM, MLP)
        module("norm", DIM)
    tensors = collections.OrderedDict(("net.encoder." + k, 0.3 * torch.randn(s)) for k, s in shapes.items())
    tensors["net.head.weight"] = torch.zeros(1, DIM)
    return tensors


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.utils.spectral_norm(nn.Linear(DIM, 3 * DIM, bias=False))
        self.proj = nn.utils.spectral_norm(nn.Linear(DIM, DIM))

    def forward(self, x):
        tokens, heads = x.shape[0], 4
        q, k, v = self.qkv(x).reshape(tokens, 3, heads, DIM // heads).permute(1, 2, 0, 3)
        weights = torch.softmax(q @ k.transpose(1, 2) / (DIM // heads) ** 0.5, dim=-1)
        return self.proj((weights @ v).transpose(0, 1).reshape(tokens, DIM))


class MLPBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.utils.spectral_norm(nn.Linear(DIM, 2 * DIM))
        self.fc2 = nn.utils.spectral_norm(nn.Linear(2 * DIM, DIM))

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attn, self.norm2, self.mlp = nn.LayerNorm(DIM), Attention(), nn.LayerNorm(DIM), MLPBlock()

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def write(kind, wrap):
    net = backbone(kind)
    block = Block()
    with torch.no_grad():
        for p in block.parameters():
            p += 0.3 * torch.randn_like(p)
    for _ in range(3):  # training forwards move the vectors of spectral normalization
        block.train()(torch.randn(6, DIM))
    block.eval()
    keys, skills = 0.7 * torch.randn(EXPERTS, DIM), 0.5 * torch.randn(1, 4, DIM)

    state = collections.OrderedDict(net)
    delta = [0.2 * torch.randn_like(x) for x in net.values()]
    gates = [2 * torch.randn(*x.shape, EXPERTS) for x in net.values()]
    for i, x in enumerate(delta):
        state[f"delta_hypernet.phis.{i}"] = x
    state["mask_hypernet.masks_keys"] = keys
    state["mask_hypernet.skills_tokens"] = skills
    state["mask_hypernet.count_encoding"] = torch.zeros(1, 1, DIM)
    state["mask_hypernet.zeta"] = torch.tensor(1.1)
    state["mask_hypernet.gamma"] = torch.tensor(-0.1)
    state["mask_hypernet.beta"] = torch.tensor(2 / 3)
    for i, x in enumerate(gates):
        state[f"mask_hypernet.log_alphas.{i}"] = x
    for name, x in block.state_dict().items():
        state["mask_hypernet.task_embed_agg." + name] = x
    state["mask_hypernet.input_embed_proj.weight"] = torch.randn(DIM, DIM)
    state["mask_hypernet.input_embed_proj.bias"] = torch.randn(DIM)
    state["mask_hypernet.lagrangian_multiplier"] = torch.zeros(EXPERTS)
    state["mask_sparsity_targets"] = torch.full((EXPERTS,), 0.9)
    state["num_metaupdates"] = torch.tensor([TASKS])
    torch.save({"model": state, "optimizer": {}, "scheduler": {}, "loss_scaler": {}} if wrap else state, kind + ".pt")

    prototypes = torch.randn(6, DIM)
    with torch.no_grad():
        logits = keys @ block(torch.cat([prototypes, skills[0]]))[0]
        s = torch.sigmoid(logits / max(0.5, 5 - TASKS / 4000))
        scores = s / (s.sum() + 1e-8)
        expected = collections.OrderedDict(prototypes=prototypes, logits=logits, scores=scores)
        for (name, pre), d, la in zip(net.items(), delta, gates):
            z = torch.clamp(1.2 * torch.sigmoid(la) - 0.1, 0, 1)
            if name != "net.head.weight":
                expected[name] = pre + (z * scores).sum(-1) * d
    torch.save(expected, kind + ".expected.pt")


write("hf", wrap=True)
write("hub", wrap=False)
