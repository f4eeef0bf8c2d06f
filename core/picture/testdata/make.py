#!/usr/bin/env python3
"""Makes the files of this folder with Pillow (9.4.0, libjpeg-turbo, libwebp):
pictures that Go cannot encode, what Pillow decodes them to (NAME.rgb, raw
RGB), and resize.txt, the SHA-256 of Image.resize(BILINEAR) of known pixels.

    python3 core/picture/testdata/make.py
"""
import hashlib, os
from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
W, H = 24, 16


def scene(mode="RGB"):
    """A scene of steep luma and gentle chroma, see-through to the right. Chroma
    is subsampled, and decoders differ in how they bring it back: where it is
    steep, that would hide real errors."""
    im = Image.new("RGBA", (W, H))
    for y in range(H):
        for x in range(W):
            light = 8 * x if y < 8 else 180 - 7 * x
            im.putpixel((x, y), (light + 2 * x, light + 10, light + 60 - 3 * y, 255 - 8 * x))
    return im if mode == "RGBA" else im.convert("RGB").convert(mode)


def path(name):
    return os.path.join(HERE, name)


def write(name, im, expect=None, **options):
    im.save(path(name), **options)
    if expect is None:
        expect = Image.open(path(name))
        expect.load()
        expect = ImageOps.exif_transpose(expect)
        if expect.mode == "RGBA":
            white = Image.new("RGBA", expect.size, "white")
            expect = Image.alpha_composite(white, expect)
        expect = expect.convert("RGB")
    with open(path(name + ".rgb"), "wb") as f:
        f.write(expect.tobytes())


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e


write("420.jpg", scene(), quality=95)
write("422.jpg", scene(), quality=95, subsampling=1)
write("444.jpg", scene(), quality=95, subsampling=0)
write("progressive.jpg", scene(), quality=95, progressive=True)
write("gray.jpg", scene("L"), quality=95)
write("cmyk.jpg", scene("CMYK"), expect=scene(), quality=95)
write("turned.jpg", scene(), quality=95, exif=exif(6))
write("lossy.webp", scene(), quality=95)
write("lossless.webp", scene(), lossless=True)
write("alpha.webp", scene("RGBA"), quality=95)
write("alpha-lossless.webp", scene("RGBA"), lossless=True, exact=True)
write("turned.webp", scene(), lossless=True, exif=exif(8))
write("turned.png", scene(), exif=exif(3))
write("palette.png", scene().quantize(16))
write("palette.gif", scene().quantize(16))
write("palette.bmp", scene().quantize(16))
write("rgb.bmp", scene())
# the animation's first frame is the scene, the others are black
black = Image.new("RGB", (W, H))
scene().save(path("animated.webp"), save_all=True, append_images=[black, black], lossless=True)
scene("RGBA").save(path("animated-alpha.webp"), save_all=True, append_images=[black, black], quality=95)


def noise(w, h):
    """The pixels of noise in picture's resize_test.go."""
    state, out = 1, bytearray()
    for _ in range(3 * w * h):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state >> 24)
    return Image.frombytes("RGB", (w, h), bytes(out))


with open(path("resize.txt"), "w") as f:
    for w, h, ow, oh in [
        (1, 1, 7, 5), (2, 3, 2, 3), (2, 3, 9, 4), (3, 2, 1, 1), (28, 28, 64, 64), (64, 64, 28, 28), (100, 37, 64, 37),
        (100, 37, 100, 16), (37, 100, 224, 13), (311, 207, 96, 96), (640, 480, 112, 84), (1, 999, 1, 10), (999, 1, 10, 3),
        (5000, 2, 3, 1), (97, 101, 96, 100), (10, 10, 1000, 3),
    ]:
        data = noise(w, h).resize((ow, oh), Image.BILINEAR).tobytes()
        f.write(f"{w} {h} {ow} {oh} {hashlib.sha256(data).hexdigest()}\n")
