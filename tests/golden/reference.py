"""The way from a picture to the encoder's pixels that dylumo's image room must reproduce, in Pillow.

decode(path) is the upright RGB picture, pixels(path, width, height, fit) what the encoder sees. Used
by make_pictures.py (golden values) and compare_pictures.py (real pictures)."""
from PIL import Image, ImageOps


def eight_bit(image):
    """16-bit grey by >> 8. (Pillow itself reads other 16-bit pictures by their high bytes.)"""
    if image.mode.startswith("I;16") or image.mode == "I":
        grey = image.convert("I").point(lambda value: value * (1 / 256))
        return grey.convert("L")
    return image


def over_white(image):
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white


def decode(path):
    image = Image.open(path)
    image.load()
    return over_white(eight_bit(ImageOps.exif_transpose(image)))


def pixels(path, width, height, fit="squash"):
    image = decode(path)
    if fit == "squash":
        return image.resize((width, height), Image.BICUBIC)
    # torchvision's Resize(width) and CenterCrop(width)
    w, h = image.size
    short, long = min(w, h), max(w, h)
    longer = int(width * long / short)
    image = image.resize((width, longer) if w <= h else (longer, width), Image.BICUBIC)
    left = int(round((image.width - width) / 2.0))
    top = int(round((image.height - width) / 2.0))
    return image.crop((left, top, left + width, top + width))
