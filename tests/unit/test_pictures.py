"""Pictures of all kinds that PNG and JPEG files hold, against arrays and torchvision's transforms."""

import io

import numpy as np
import pytest
from PIL import Image

from epochwise.data.pictures import MOST_VALUES, common_shape, pixels_of, shape_of
from epochwise.data.sources import DataError
from epochwise.data.torchvision_files import import_torchvision
from tests.unit.made_data import encoded

ORIENTATION = 0x0112


def saved(image, kind="PNG", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def read(content, shape):
    return pixels_of(content, "it", shape).reshape(shape)


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 5, 7)])
def test_a_png_is_read_back_equal(random, tmp_path, shape):
    pixels = random.integers(0, 256, shape, np.uint8)
    path = tmp_path / "it.png"
    path.write_bytes(encoded(pixels.transpose(1, 2, 0).squeeze()))
    assert shape_of(path, "it") == shape
    np.testing.assert_array_equal(read(path, shape), pixels)


def test_a_jpeg_is_read_back_nearly_equal():
    ramp = np.add.outer(np.arange(16), np.arange(24)).astype(np.uint8) * 4
    for array in (ramp, np.stack([ramp, 255 - ramp, ramp], -1)):
        shape = (array.ndim if array.ndim == 3 else 1, 16, 24)
        content = encoded(array, "JPEG")
        assert shape_of(content, "it") == shape
        wanted = np.atleast_3d(array).transpose(2, 0, 1).astype(int)
        assert np.abs(read(content, shape) - wanted).mean() < 8


def test_the_pixels_of_a_palette_are_its_colours():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.putdata([1, 0])
    assert shape_of(saved(image), "it") == (3, 1, 2)
    assert read(saved(image), (3, 1, 2))[:, 0].T.tolist() == [[200, 100, 0], [10, 20, 30]]


def test_what_is_transparent_becomes_white_and_what_is_opaque_stays():
    values = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 128]]], np.uint8)
    red, green, blue = read(saved(Image.fromarray(values)), (3, 1, 3))[:, 0]
    assert [red[0], green[0], blue[0]] == [10, 20, 30] and [red[1], green[1], blue[1]] == [255, 255, 255]
    half = 255 + (np.array([0, 100, 200]) - 255) * 128 / 255
    np.testing.assert_allclose([red[2], green[2], blue[2]], half, atol=1)
    gray = np.array([[[7, 255], [7, 0]]], np.uint8)
    assert shape_of(saved(Image.fromarray(gray)), "it")[0] == 1
    assert read(saved(Image.fromarray(gray)), (1, 1, 2)).tolist() == [[[7, 255]]]


def test_of_16_bits_the_higher_8_are_kept_and_one_bit_is_black_or_white(random):
    values = random.integers(0, 2**16, (4, 3)).astype(np.uint16)
    content = saved(Image.fromarray(values))
    assert shape_of(content, "it") == (1, 4, 3)
    np.testing.assert_array_equal(read(content, (1, 4, 3))[0], values // 256)
    bits = saved(Image.fromarray(np.array([[True, False]])))
    assert shape_of(bits, "it") == (1, 1, 2) and read(bits, (1, 1, 2)).tolist() == [[[255, 0]]]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).T),
        (8, np.rot90),
    ],
)
def test_a_picture_of_a_turned_camera_is_upright(random, orientation, upright):
    values = random.integers(0, 256, (3, 5), np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = saved(Image.fromarray(values), exif=exif)
    wanted = upright(values)
    assert shape_of(content, "it") == (1, *wanted.shape)
    np.testing.assert_array_equal(read(content, (1, *wanted.shape))[0], wanted)
    turned = saved(Image.fromarray(values), "JPEG", exif=exif)
    assert shape_of(turned, "it") == (1, *wanted.shape), "the same in a JPEG file"


@pytest.mark.parametrize("size", [(9, 14), (30, 30)])
@pytest.mark.parametrize("channels", [1, 3])
def test_another_size_is_that_of_torchvisions_resize(random, size, channels):
    values = random.integers(0, 256, (*size, channels), np.uint8).squeeze()
    resize = import_torchvision().transforms.Resize((12, 12))
    wanted = np.atleast_3d(np.asarray(resize(Image.fromarray(values)))).transpose(2, 0, 1)
    np.testing.assert_array_equal(read(encoded(values), (channels, 12, 12)), wanted)


def test_colour_becomes_gray_by_luminance_and_gray_becomes_colour_unchanged(random):
    values = random.integers(0, 256, (4, 4, 3), np.uint8)
    gray = read(encoded(values), (1, 4, 4))[0]
    np.testing.assert_allclose(gray, values @ [0.299, 0.587, 0.114], atol=1)
    np.testing.assert_array_equal(read(encoded(gray), (3, 4, 4)), [gray, gray, gray])


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"], ids=["empty", "GIF", "only a signature"])
def test_what_is_no_picture_is_named(content):
    with pytest.raises(DataError, match=r"^it cannot be read as PNG or JPEG .* remove it"):
        shape_of(content, "it")


def test_a_truncated_picture_is_named_when_its_pixels_are_read(random):
    content = encoded(random.integers(0, 256, (40, 40, 3), np.uint8))[:2000]
    assert shape_of(content, "it") == (3, 40, 40)
    with pytest.raises(DataError, match=r"^it cannot be read as PNG or JPEG"):
        pixels_of(content, "it", (3, 40, 40))


def test_the_common_shape_is_that_of_all_pictures_or_what_the_keys_say():
    assert common_shape([("a", (1, 4, 6)), ("b", (1, 4, 6))], None, None) == (1, 4, 6)
    assert common_shape([("a", (1, 4, 6)), ("b", (3, 5, 6))], 8, 3) == (3, 8, 8)
    assert common_shape([("a", (3, 4, 6)), ("b", (3, 9, 9))], 8, None) == (3, 8, 8)
    assert common_shape([("a", (3, 4, 6)), ("b", (1, 4, 6))], None, 1) == (1, 4, 6)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ((1, 4, 7), ["a has 6 × 4 pixels, but b has 7 × 4", "`image_size`"]),
        ((3, 4, 6), ["a is gray, but b is in colour", "`channels`"]),
    ],
)
def test_pictures_that_differ_are_named_with_the_key(second, words):
    with pytest.raises(DataError) as raised:
        common_shape([("a", (1, 4, 6)), ("same", (1, 4, 6)), ("b", second)], None, None)
    assert all(word in str(raised.value) for word in words)


def test_huge_pictures_need_a_size():
    huge = (3, 2000, 3000)
    assert np.prod(huge) > MOST_VALUES
    with pytest.raises(DataError, match=r"a has 3000 × 2000 pixels, too many .*`image_size`"):
        common_shape([("a", huge)], None, None)
    assert common_shape([("a", huge)], 64, None) == (3, 64, 64)
