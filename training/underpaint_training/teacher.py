"""all-MiniLM-L6-v2, and where it puts words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor
from underpaint_reference.config import TextConfig
from underpaint_reference.text import PromptReader, TextEncoder

from .config import Settings
from .data import thesaurus
from .data.pictures import Pictures
from .data.wordnet import WordNet
from .devices import autocast
from .encoders import encode_all
from .synonyms import Names, Word, glosses_of, word_vectors
from .vocabulary import teacher_model_folder

_TEACHER_CONFIG = TextConfig(24, 384, 6, 12, 1536, 30522, 512, 1e-12)


def load_teacher(folder: Path) -> tuple[TextEncoder, PromptReader]:
    """The network without its pooler, and what splits texts for it."""
    teacher = TextEncoder(_TEACHER_CONFIG)
    weights = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("bert."): value.float() for name, value in weights.items()}
    teacher.load_state_dict({name: weights[name] for name in teacher.state_dict()})
    return teacher.eval().requires_grad_(False), PromptReader(folder, _TEACHER_CONFIG)


def are_pieces(read: PromptReader, words: Sequence[Word]) -> list[bool]:
    """Which words are read as one piece."""
    _, mask = read([word.text for word in words])
    return (mask.sum(1) == 3).tolist()  # with [CLS] and [SEP]


def sentence_vectors(teacher: TextEncoder, read: PromptReader, texts: Sequence[str]) -> Tensor:
    """The teacher's sentence vectors, (n, text_dim) of length 1."""
    with autocast():
        return encode_all(teacher, read, texts)


def picture_names(settings: Settings, pictures: Pictures, net: WordNet) -> Names:
    """What pictures are named and what is known of that."""
    return Names(glosses_of(pictures.names, net), thesaurus.load(settings.data_dir))


def vectors_of(
    words: Sequence[Word], named: Names, teacher: TextEncoder, read: PromptReader
) -> Tensor:
    """Where the unseen words belong, (n, text_dim) of length 1; see `word_vectors`."""
    is_whole = are_pieces(read, words)
    embed = partial(sentence_vectors, teacher, read)
    return word_vectors(words, is_whole, named, embed)


def unseen_vectors(settings: Settings, words: Sequence[Word], named: Names) -> Tensor:
    """`vectors_of` by the teacher of a run."""
    return vectors_of(words, named, *load_teacher(teacher_model_folder(settings.data_dir)))
