"""What a camera in the street makes of a plate, for thousands of plates at once.

A plate arrives as a stencil (see cmd/plateset): where characters, marked
characters, and line and dot are. Here it gets its greys, its bolts and dirt and
shadow, a place in the picture of a camera of a few pixels, blur, noise and
compression, and is then straightened by corners that are not exact, as Tidewatch
does it. A reader learns from plates that it never sees twice.

All is grey: what a plate's colour is, Tidewatch knows otherwise, and grey has
far fewer ways to differ from reality.
"""

import math

import torch
import torch.nn.functional as F

HEIGHT, WIDTH = 48, 160
RING = 10  # pixels of a stencil that are added round it, for the frame of a plate
TALL = 96  # of a plate with two rows, before its rows are put side by side


class Street:
    """Street makes looks. Its source of chance decides all of it."""

    def __init__(self, device, seed):
        self.device = device
        self.random = torch.Generator(device=device)
        self.random.manual_seed(seed)
        # Numbers that a whole group shares come from the processor's own source:
        # to ask a graphics card for one is to wait for it.
        self.shared = torch.Generator()
        self.shared.manual_seed(seed)
        rows = dct_matrix()
        self.dct = torch.kron(rows, rows).to(device)
        self.table = LUMINANCE.flatten().to(device)

    # Chance: a number for each plate, shaped to be multiplied with pictures.

    def uniform(self, n, low=0.0, high=1.0, shape=(1, 1, 1)):
        return torch.rand(n, *shape, generator=self.random, device=self.device) * (high - low) + low

    def normal(self, n, sigma, shape=(1, 1, 1)):
        return torch.randn(n, *shape, generator=self.random, device=self.device) * sigma

    def happens(self, n, share):
        return (self.uniform(n) < share).float()

    def one(self, low=0.0, high=1.0):
        """A number for the whole group."""
        return float(torch.rand(1, generator=self.shared)) * (high - low) + low

    def see(self, stencils, rows, span):
        """Pictures [n, 1, 48, 160], normalised, of stencils [n, h, w, 3] (bytes).

        span [n, 2] is the part of the width that shows, 0 to 1 for the whole.
        """
        plate = self.paint(stencils.permute(0, 3, 1, 2).float() / 255)
        flat = 140 / 440 if rows == 1 else 220 / 440
        pixels = int(52 * math.exp(self.one(0, math.log(4.2))))  # 52 to 218 across the plate
        scene, corners = self.place(plate, flat, pixels)
        scene = self.camera(scene, pixels)
        seen = self.straighten(scene, part(corners, span), HEIGHT if rows == 1 else TALL)
        if rows == 2:
            seen = self.side_by_side(seen)
        if self.one() < 0.3:
            seen = self.through_thumbnail(seen)
        return normalise(seen)

    def paint(self, s):
        """Greys, 0 to 1, of plates and of a frame round them, and a mask."""
        n, _, h, w = s.shape
        ink, mark, line = s[:, 0:1], s[:, 1:2], s[:, 2:3]
        ink = ((F.avg_pool2d(ink, 3, 1, 1) - self.uniform(n, 0.25, 0.75)) * 3 + 0.5).clamp(0, 1)
        y, x = grid(h, w, self.device)

        # Bright on dark as blue and black plates, or dark on bright.
        bright = self.happens(n, 0.5)
        contrast = self.uniform(n, 0.2, 0.95)
        dark_ground, bright_ground = self.uniform(n, 0.03, 0.5), self.uniform(n, 0.4, 1)
        ground = bright * dark_ground + (1 - bright) * bright_ground
        tone = bright * (dark_ground + contrast * (1 - dark_ground)) + (1 - bright) * bright_ground * (1 - contrast)

        base = ground + self.happens(n, 0.25) * self.uniform(n, -0.35, 0.35) * (y - 0.5)
        base = base + mark * (1 - ink) * self.happens(n, 0.1) * self.uniform(n, -0.25, 0.25)
        inner = ((y > 0.1) & (y < 0.9) & (x > 0.035) & (x < 0.965)).float()
        edge = line * (1 - inner)
        edge_tone = ground + (tone - ground) * (self.happens(n, 0.75) * self.uniform(n, 0.3, 1))
        dot_tone = ground + (tone - ground) * (self.happens(n, 0.9) * self.uniform(n, 0.2, 1))
        base = base + (edge_tone - base) * edge
        base = base + (dot_tone - base) * line * inner
        marked = tone + (ground - tone) * self.happens(n, 0.15) * self.uniform(n, 0, 0.55)
        plate = base + (tone + (marked - tone) * mark - base) * ink

        plate = self.bolts(plate, y, x)
        plate = self.dirt(plate, y, x)
        plate = self.light(plate, y, x)
        frame = F.pad(torch.zeros_like(plate), (RING,) * 4, value=1.0) * self.uniform(n)
        shows = F.pad(torch.ones_like(plate), (RING,) * 4) + F.pad(torch.zeros_like(plate), (RING,) * 4, value=1.0) * self.happens(n, 0.5)
        return torch.cat([F.pad(plate, (RING,) * 4) + frame, shows.clamp(0, 1)], 1) * shows

    def bolts(self, plate, y, x):
        n, _, h, w = plate.shape
        screwed = self.happens(n, 0.75)
        for across in (0.26, 0.74):
            for down in (0.09, 0.91):
                cx, cy = across + self.normal(n, 0.02), down + self.normal(n, 0.025)
                radius = self.uniform(n, 0.009, 0.024)
                far = ((x - cx) ** 2 + ((y - cy) * h / w) ** 2).sqrt()
                cover = ((radius - far) / 0.004 + 0.5).clamp(0, 1) * screwed * self.happens(n, 0.85)
                plate = plate + (self.uniform(n) - plate) * cover
        return plate

    def dirt(self, plate, y, x):
        n = len(plate)
        for _ in range(3):
            cx, cy = self.uniform(n), self.uniform(n)
            rx, ry = self.uniform(n, 0.01, 0.06), self.uniform(n, 0.03, 0.2)
            cover = (1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2).clamp(0, 1)
            cover = cover * self.happens(n, 0.15) * self.uniform(n, 0.2, 0.8)
            plate = plate + (self.uniform(n) - plate) * cover
        return plate

    def light(self, plate, y, x):
        n = len(plate)
        slope = 1 + self.normal(n, 0.15) * (x - 0.5) + self.normal(n, 0.15) * (y - 0.5)
        angle, at = self.uniform(n, 0, 2 * math.pi), self.uniform(n, -0.4, 0.4)
        beyond = ((x - 0.5) * angle.cos() + (y - 0.5) * angle.sin() - at) / self.uniform(n, 0.01, 0.15)
        shade = 1 - beyond.clamp(0, 1) * self.happens(n, 0.3) * self.uniform(n, 0.15, 0.6)
        return plate * slope.clamp(0.5, 1.5) * shade

    def place(self, plate, flat, pixels):
        """The plate in a scene of the camera's pixels, and its corners there."""
        n, _, h, w = plate.shape
        wide, high = eights(pixels * 1.25), eights(pixels * (flat + 0.4))
        sx = self.uniform(n, 0.75, 1, (1,))
        steep = 0.14 / flat  # plates with two rows are only read where they are straightened well
        turn = self.normal(n, 0.2 * steep, (1,)).clamp(-0.3, 0.3)
        lean = self.normal(n, 0.3 * steep, (1,))
        u = torch.tensor([-0.5, 0.5, 0.5, -0.5], device=self.device) * sx
        v = torch.tensor([-0.5, -0.5, 0.5, 0.5], device=self.device) * flat
        v = v * (1 + self.normal(n, 0.1, (1,)).clamp(-0.25, 0.25) * u)
        u = u + lean * v
        x = (u * turn.cos() - v * turn.sin()) * pixels + wide / 2 + self.uniform(n, -1, 1, (1,))
        y = (u * turn.sin() + v * turn.cos()) * pixels + high / 2 + self.uniform(n, -1, 1, (1,))
        corners = torch.stack([x, y], -1)

        # The plate's corners are inside its picture, within the frame's ring.
        inset = torch.tensor([RING / w, RING / h], device=self.device)
        fine = min(1, 1.3 * pixels / w)
        plate = F.interpolate(plate, (round(h * fine), round(w * fine)), mode="bilinear", antialias=True)
        y, x = grid(high, wide, self.device)
        where = project(inverse(to_quad(corners)), x * wide, y * high) * (1 - 2 * inset) + inset
        drawn = F.grid_sample(plate, where * 2 - 1, align_corners=False, padding_mode="zeros")
        behind = F.interpolate(self.uniform(n, 0, 1, (1, 3, 5)), drawn.shape[2:], mode="bilinear", align_corners=True)
        plain = self.uniform(n)
        behind = plain + (behind - plain) * self.uniform(n)
        return behind * (1 - drawn[:, 1:2]) + drawn[:, 0:1], corners

    def camera(self, scene, pixels):
        """Blur, exposure, noise, sharpening and compression."""
        n = len(scene)
        scene = F.pad(scene, (5,) * 4, mode="replicate").transpose(0, 1)
        scene = F.conv2d(scene, self.kernels(n, pixels), groups=n).transpose(0, 1)
        gain = torch.exp(self.normal(n, 0.35)).clamp(0.25, 2)
        scene = (scene * gain).clamp(0, 1) ** torch.exp(self.normal(n, 0.25))
        haze = self.happens(n, 0.3) * self.uniform(n, 0, 0.6)
        scene = scene * (1 - haze) + haze * self.uniform(n)
        scene = scene + self.normal(n, 1, scene.shape[1:]) * self.uniform(n, 0, 1) ** 2 * 0.035
        crisp = self.happens(n, 0.35) * self.uniform(n, 0.3, 2)
        soft = F.avg_pool2d(F.pad(scene, (1,) * 4, mode="replicate"), 3, 1)
        scene = (scene + (scene - soft) * crisp).clamp(0, 1)
        return self.compress(scene)

    def kernels(self, n, pixels):
        """Blur of 11x11 pixels: the lens's, and at times of movement."""
        d = torch.arange(-5, 6, device=self.device).float()
        x, y = d[None, :], d[:, None]
        least, most = 0.25, 0.3 + pixels * 0.0075
        sx, sy = (least * (self.uniform(n) * math.log(most / least)).exp() for _ in range(2))
        k = torch.exp(-((y / sy) ** 2 + (x / sx) ** 2) / 2)
        length, angle = self.uniform(n, 0.5, 1 + pixels * 0.018), self.uniform(n, -0.6, 0.6)
        along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
        move = torch.sigmoid((length - along.abs()) * 3) * torch.exp(-((across / 0.5) ** 2) / 2)
        moves = self.happens(n, 0.25)
        still = (d == 0).float()
        move = moves * move + (1 - moves) * still[:, None] * still[None, :]
        k = F.conv2d(k.transpose(0, 1), move.flip(2, 3), padding=5, groups=n).transpose(0, 1)
        return k / k.sum((2, 3), keepdim=True)

    def compress(self, pic):
        """JPEG of the brightness, of a quality for each picture."""
        n, _, h, w = pic.shape
        quality = self.uniform(n, 22, 98, (1, 1))
        scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
        steps = (self.table * scale).clamp(1, 255)
        blocks = (pic * 255 - 128).view(n, h // 8, 8, w // 8, 8).permute(0, 1, 3, 2, 4).reshape(n, -1, 64)
        blocks = torch.round(blocks @ self.dct.T / steps) * steps @ self.dct
        lossy = blocks.view(n, h // 8, w // 8, 8, 8).permute(0, 1, 3, 2, 4).reshape(n, 1, h, w)
        return ((lossy + 128) / 255).clamp(0, 1)

    def straighten(self, scene, corners, high):
        """Cut the plate out, by corners that are a little off or by its box."""
        n, _, h, w = scene.shape
        size = torch.stack([corners[..., 0].amax(1) - corners[..., 0].amin(1), corners[..., 1].amax(1) - corners[..., 1].amin(1)], -1)
        low, top = corners.amin(1), corners.amax(1)
        box = torch.stack([low, torch.stack([top[:, 0], low[:, 1]], -1), top, torch.stack([low[:, 0], top[:, 1]], -1)], 1)
        boxed = self.happens(n, 0.4 if high == HEIGHT else 0.15)[:, :, :, 0]
        corners = corners + (box - corners) * boxed
        off = torch.tensor([0.01, 0.03], device=self.device)
        corners = corners + self.normal(n, 1, (4, 2)) * off * size[:, None] * (1 - boxed * 0.5)
        mx, my = (self.uniform(n, -0.5, 1.3, (1, 1)) * m for m in (0.03, 0.06))
        y, x = grid(high, WIDTH, self.device)
        where = project(to_quad(corners), (x - mx) / (1 - 2 * mx), (y - my) / (1 - 2 * my))
        where = where / torch.tensor([w, h], device=self.device)
        return F.grid_sample(scene, where * 2 - 1, align_corners=False, padding_mode="border")

    def side_by_side(self, tall):
        """The upper row left of the lower one, as Tidewatch lays them."""
        cut = round(TALL * self.one(0.34, 0.42))
        empty = round(WIDTH * self.one(0.16, 0.24))
        wide = round(self.one(52, 60))
        upper = F.interpolate(tall[:, :, :cut, empty:WIDTH - empty], (HEIGHT, wide), mode="bilinear")
        lower = F.interpolate(tall[:, :, cut:, :], (HEIGHT, WIDTH - wide), mode="bilinear")
        return torch.cat([upper, lower], 3)

    def through_thumbnail(self, seen):
        small = F.interpolate(seen, (24, 96), mode="bilinear", antialias=self.one() < 0.7)
        return F.interpolate(self.compress(small), (HEIGHT, WIDTH), mode="bilinear")


def normalise(pic):
    """Mean 0 and deviation 1, which Tidewatch gives its pictures too."""
    mean = pic.mean((2, 3), keepdim=True)
    return (pic - mean) / (pic.std((2, 3), keepdim=True, unbiased=False) + 0.02)


def part(corners, span):
    """Corners of a part of a plate, from one share of its width to another."""
    lt, rt, rb, lb = corners.unbind(1)
    a, b = span[:, 0:1], span[:, 1:2]
    return torch.stack([lt + (rt - lt) * a, lt + (rt - lt) * b, lb + (rb - lb) * b, lb + (rb - lb) * a], 1)


def grid(h, w, device):
    """Middles of pixels, 0 to 1."""
    y = (torch.arange(h, device=device) + 0.5) / h
    x = (torch.arange(w, device=device) + 0.5) / w
    return torch.meshgrid(y, x, indexing="ij")


def to_quad(corners):
    """Projections [n, 3, 3] of the unit square to four corners [n, 4, 2]."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (c.unbind(-1) for c in corners.unbind(1))
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (dx3 * dy2 - dx2 * dy3) / area, (dx1 * dy3 - dx3 * dy1) / area
    return torch.stack([
        x1 - x0 + g * x1, x3 - x0 + h * x3, x0,
        y1 - y0 + g * y1, y3 - y0 + h * y3, y0,
        g, h, torch.ones_like(g),
    ], -1).view(-1, 3, 3)


def inverse(m):
    """The inverse of projections, up to a factor, which projections do not have."""
    a, b, c = m.unbind(1)
    return torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], 2)


def project(m, x, y):
    """Places [n, h, w, 2] of points [h, w] or [n, h, w]."""
    a, b, c, d, e, f, g, h, i = (v.view(-1, 1, 1) for v in m.view(-1, 9).unbind(1))
    below = g * x + h * y + i
    return torch.stack([(a * x + b * y + c) / below, (d * x + e * y + f) / below], -1)


def eights(size):
    return 8 * math.ceil(size / 8)


def dct_matrix():
    k = torch.arange(8).float()
    m = torch.cos(math.pi / 8 * k[:, None] * (k[None, :] + 0.5)) / 2
    m[0] /= math.sqrt(2)
    return m


# The table of annex K.1 of the JPEG standard, which cameras use.
LUMINANCE = torch.tensor([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
]).float()
