"""Trains the reader of plates, from stencils that cmd/plateset has drawn.

    python train/plates/train.py --data build/plates --out build/plates

No picture of a real plate goes into it. The same seed, steps and kind of machine
give the same network, up to what graphics cards compute in no fixed order.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from export import export
from network import INDEX, Reader
from street import Street

SIZES = {1: (72, 224), 2: (112, 224)}
GROUP = 256  # plates that share a number of pixels and a blur
CUT_SHARE = 0.15  # of plates with one row, an end of which is not in the picture
WARM, TIMED = 80, 80  # steps until a card is at its speed, and steps that tell it
BLANK_SHARE = 0.02  # of groups without a plate to read


class Stencils:
    """The plates of one number of rows."""

    def __init__(self, folder, rows, device):
        h, w = SIZES[rows]
        pixels = np.fromfile(folder / f"rows{rows}.rgb", np.uint8).reshape(-1, h, w, 3)
        self.rows, self.device = rows, device
        self.pixels = torch.from_numpy(pixels).to(device)
        lines = (folder / f"rows{rows}.tsv").read_text().splitlines()
        texts, boxes = torch.zeros(len(lines), 8, dtype=torch.long), torch.full((len(lines), 8, 2), 2.0)
        for i, line in enumerate(lines):
            text, _, places = line.split("\t")
            texts[i, :len(text)] = torch.tensor([INDEX[c] for c in text])
            boxes[i, :len(text)] = torch.tensor([[float(x) for x in p.split(":")] for p in places.split(",")])
        self.texts, self.boxes = texts.to(device), boxes.to(device)

    def group(self, street, n):
        """Pictures and texts [n, 8], 0 after the text."""
        chosen = torch.randint(len(self.pixels), (n,), generator=street.random, device=self.device)
        texts, span = self.texts[chosen], torch.tensor([[0.0, 1.0]], device=self.device).repeat(n, 1)
        if self.rows == 1:
            texts, span = cut(street, texts, self.boxes[chosen])
        pictures = self.pixels[chosen]
        if street.one() < BLANK_SHARE:
            pictures = pictures * torch.tensor([0, 0, 1], dtype=torch.uint8, device=self.device)
            texts = torch.zeros_like(texts)
        return street.see(pictures, self.rows, span), texts


def cut(street, texts, boxes):
    """Leaves some plates' ends out of the picture, and out of their texts.

    A character counts that shows at least by 0.7; none is cut between that and
    0.35, where people would not agree either.
    """
    n, device = len(texts), texts.device
    length = (texts > 0).sum(1)
    lost = torch.randint(1, 4, (n,), generator=street.random, device=device)
    shown = street.uniform(n, 0, 1, ())
    shown = torch.where(shown < 0.7, shown / 2, 0.5 + shown / 2)  # 0 to 0.35, or 0.85 to 1
    chance = street.uniform(n, 0, 1, ())
    left, right = chance < CUT_SHARE / 3, (chance >= CUT_SHARE / 3) & (chance < CUT_SHARE)
    at = torch.where(left, lost - 1, length - lost)
    box = boxes[torch.arange(n, device=device), at]
    wide = box[:, 1] - box[:, 0]
    counts = shown > 0.7
    span = torch.stack([
        torch.where(left, box[:, 1] - wide * shown, torch.zeros_like(shown)),
        torch.where(right, box[:, 0] + wide * shown, torch.ones_like(shown)),
    ], 1)
    first = torch.where(left, at + (~counts).long(), torch.zeros_like(at))
    last = torch.where(right, at + counts.long(), length)
    place = torch.arange(8, device=device)
    source = (place[None] + first[:, None]).clamp(max=7)
    kept = torch.gather(texts, 1, source) * (place[None] < (last - first)[:, None])
    return kept, span


@torch.no_grad()
def batch(street, stencils, n):
    """Groups of both kinds, one in six of plates with two rows."""
    pictures, texts = [], []
    for _ in range(max(1, n // GROUP)):
        kind = 2 if street.one() < 1 / 6 else 1
        x, t = stencils[kind].group(street, min(n, GROUP))
        pictures.append(x)
        texts.append(t)
    return torch.cat(pictures), torch.cat(texts)


def loss_of(logits, texts):
    n, steps, _ = logits.shape
    lengths = (texts > 0).sum(1)
    scores = F.log_softmax(logits.float(), 2).transpose(0, 1)
    return F.ctc_loss(scores, texts, torch.full((n,), steps, device=texts.device), lengths, zero_infinity=True, reduction="sum") / n


@torch.no_grad()
def exact(net, street, stencils, groups=4):
    """The share of new looks that are read without a mistake, by the best path."""
    net.eval()
    right = []
    for kind in stencils:
        for _ in range(groups):
            x, texts = stencils[kind].group(street, GROUP)
            path = net(x).argmax(2)
            keep = (path > 0) & (path != F.pad(path, (1, 0))[:, :-1])
            for p, k, t in zip(path.cpu(), keep.cpu(), texts.cpu()):
                right.append(torch.equal(p[k], t[t > 0]))
    net.train()
    return sum(right) / len(right)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--steps", type=int, default=0, help="without it, as many as --seconds allow")
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--batch", type=int, default=2048)
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--begin", type=Path, help="weights of an earlier run to go on from")
    o = options.parse_args()

    torch.manual_seed(o.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    street = Street(device, o.seed)
    stencils = {rows: Stencils(o.data, rows, device) for rows in SIZES}
    net = Reader().to(device, memory_format=torch.channels_last)
    if o.begin:
        net.load_state_dict(torch.load(o.begin, map_location=device))
    print(f"{sum(p.numel() for p in net.parameters())} parameters, on {device}", flush=True)
    mean = {k: v.clone() for k, v in net.state_dict().items()}
    train(o, net, mean, street, stencils)
    net.load_state_dict(mean)
    finish(o, net, street, stencils)


def train(o, net, mean, street, stencils):
    half = street.device.type == "cuda"
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    adam = torch.optim.AdamW([{"params": decay, "weight_decay": 0.02}, {"params": rest, "weight_decay": 0}], lr=o.rate)
    steps, begun, step, total = o.steps or 10**9, time.time(), 0, 0.0
    while step < steps:
        if step == WARM and not o.steps:
            timed = time.time()
        if step == WARM + TIMED and not o.steps:
            each = (time.time() - timed) / TIMED
            steps = step + max(1, int((o.seconds - (time.time() - begun)) / each))
            print(f"{each * 1000:.0f} ms a step, {steps} steps", flush=True)
        share = min(1.0, step / min(steps, 10**6))
        for group in adam.param_groups:
            group["lr"] = o.rate * min(1, (step + 1) / 200) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        x, texts = batch(street, stencils, o.batch)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(street.device.type, torch.bfloat16, enabled=half):
            logits = net(x)
        loss = loss_of(logits, texts)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        adam.step()
        follow(mean, net, min(0.999, (step + 1) / (step + 10)))
        total += loss.detach()
        step += 1
        if step % 100 == 0 or step < 10:
            print(f"step {step} of {steps}, loss {float(total) / (100 if step % 100 == 0 else 1):.4f}, {time.time() - begun:.0f} s", flush=True)
            total = 0.0
        if step % 1000 == 0:
            torch.save(mean, o.out / "reader.pt")


@torch.no_grad()
def follow(mean, net, keep):
    """Keeps a mean of the weights, which reads better than the last ones."""
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            mean[name].lerp_(value, 1 - keep)
        else:
            mean[name].copy_(value)


def finish(o, net, street, stencils):
    torch.save(net.state_dict(), o.out / "reader.pt")
    print(f"exact {exact(net, street, stencils):.4f}", flush=True)
    export(net, o.out / "plate_reader.onnx")
    print("wrote", o.out / "plate_reader.onnx", flush=True)


if __name__ == "__main__":
    main()
