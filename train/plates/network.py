"""The network: convolutions down to one row of 40 steps, each of which says a
character or none (CTC). It has no memory along the row and hardly looks beyond
its neighbours, so that it cannot make up what usually stands there."""

import torch.nn.functional as F
from torch import nn

# The characters in the order of plate.Index; 0 is none.
ALPHABET = (
    "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
    "0123456789ABCDEFGHJKLMNPQRSTUVWXYZO学警挂使领港澳"
)
INDEX = {c: i + 1 for i, c in enumerate(ALPHABET)}
CLASSES = len(ALPHABET) + 1


def conv(inputs, outputs, size=3, stride=1, pad=None):
    pad = size // 2 if pad is None else pad
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, pad, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    def __init__(self, width, size=3, pad=1):
        super().__init__()
        self.first, self.second = conv(width, width, size, pad=pad), conv(width, width, size, pad=pad)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.first(x))))


class Reader(nn.Module):
    """[n, 1, 48, 160] to logits [n, 40, CLASSES]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(1, 24), nn.ReLU(), conv(24, 48, stride=2), nn.ReLU(), Block(48),
            conv(48, 96, stride=2), nn.ReLU(), Block(96), Block(96),
            conv(96, 160, stride=(2, 1)), nn.ReLU(), Block(160),
            conv(160, 192, (6, 1), pad=0), nn.ReLU(), Block(192, (1, 3), (0, 1)),
        )
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(192, CLASSES)

    def forward(self, x):
        return self.head(self.drop(self.body(x).squeeze(2).transpose(1, 2)))
