"""The cut vocabulary and what the student is compared on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as WordPiece
from underpaint_reference.text import EncodedText, PromptReader

from underpaint_training.config import Settings
from underpaint_training.data.pictures import Pictures
from underpaint_training.encoders import in_fp32, random_encoder, student_of
from underpaint_training.text import STAGE, frozen_text, hidden_loss, style_directions
from underpaint_training.vocabulary import (
    FurtherWords,
    base_pieces,
    kept_pieces,
    plain_description,
    write_vocabulary,
)


def word_piece(pieces: list[str]) -> WordPiece:
    description = plain_description()
    description["model"]["vocab"] = {piece: i for i, piece in enumerate(pieces)}
    for token in description["added_tokens"]:
        token["id"] = pieces.index(token["content"])
    return WordPiece.from_str(json.dumps(description))


def test_words_are_kept_before_pieces_of_words() -> None:
    teacher = word_piece([*base_pieces(), "cot", "##tage", "cottage", "lake", "zebra"])
    n_base = len(base_pieces())
    further = FurtherWords(things=[["hut"], ["den"]], common=set(), texts=["lake zebra"])
    kept = kept_pieces(teacher, ["cottage lake", "cottage"], further, n_base + 3)
    assert kept == [*base_pieces(), "cottage", "lake", "hut"], "new words last"
    cut = word_piece(kept)
    assert cut.encode("Cottage, lake").tokens == ["[CLS]", "cottage", ",", "lake", "[SEP]"]
    assert "[UNK]" not in cut.encode("zebra").tokens


def test_student_starts_from_the_pieces_of_its_source(smoke: Settings, tmp_path: Path) -> None:
    folders = []
    for name, words in (("source", ["cot", "##tage", "lake"]), ("own", ["lake", "cottage"])):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        word_piece([*base_pieces(), *words]).save(str(folders[-1] / "tokenizer.json"))
    source_folder, folder = folders
    sizes = [len(base_pieces()) + n for n in (3, 2)]
    torch.manual_seed(0)
    configs = [replace(smoke.model_config().text, vocab_size=size) for size in sizes]
    source = random_encoder(configs[0]).state_dict()
    found = student_of(source, source_folder, configs[1], folder).state_dict()
    name = "embeddings.word_embeddings.weight"
    n = len(base_pieces())
    torch.testing.assert_close(found[name][:n], source[name][:n])
    torch.testing.assert_close(found[name][n], source[name][n + 2])
    torch.testing.assert_close(found[name][n + 1], source[name][n : n + 2].mean(0))
    layer = "encoder.layer.1.output.dense.weight"
    torch.testing.assert_close(found[layer], source[layer])


def test_styles_point_away_from_each_other() -> None:
    common = torch.tensor([3.0, 0.0, 0.0])
    vectors = F.normalize(common + torch.tensor([[0, 0.1, 0], [0, -0.1, 0], [0, 0, 0.1]]), dim=1)
    found = style_directions(vectors)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert float(found[0] @ found[1]) < -0.3, "though the vectors are almost the same"


def test_vocabulary_of_a_run_reads_its_captions(smoke: Settings) -> None:
    pictures = Pictures(smoke.data_dir, smoke.data.sources, smoke.data.n_held_out)
    write_vocabulary(smoke, pictures)
    config = smoke.model_config()
    read = PromptReader(smoke.run_dir / STAGE, config.text)
    ids, mask = read([entry.name for entry in pictures.entries])
    assert int(mask.sum(1).max()) == 4  # two words between [CLS] and [SEP]
    assert int(ids.max()) < config.text.vocab_size
    text = in_fp32(frozen_text(smoke, config)(ids, mask))
    lengths = text.pooled.norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, config.text.hidden_size**0.5))


def test_hidden_states_count_where_pieces_agree() -> None:
    wanted = EncodedText(torch.zeros(2, 4, 3), torch.ones(2, 4).bool(), torch.zeros(2, 3))
    longer = torch.tensor([[True] * 4 + [False], [True] * 5])
    found = EncodedText(torch.ones(2, 5, 3), longer, torch.zeros(2, 3))
    assert float(hidden_loss(found, wanted)) == pytest.approx(1)
    none_agree = EncodedText(found.hidden[1:], longer[1:], found.pooled[1:])
    one = EncodedText(wanted.hidden[1:], wanted.mask[1:], wanted.pooled[1:])
    assert float(hidden_loss(none_agree, one)) == 0
