"""What WordNet says of words that no caption has, on a WordNet of five senses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from underpaint_reference.asked import styled, things

from underpaint_training.config import Settings
from underpaint_training.data import thesaurus, wordnet
from underpaint_training.data.pictures import Pictures
from underpaint_training.data.wordnet import Sense, WordNet
from underpaint_training.encoders import random_encoder
from underpaint_training.synonyms import (
    Meaning,
    Names,
    Word,
    draw_weights,
    glosses_of,
    plurals_of_nouns,
    unseen_words,
    word_vectors,
)
from underpaint_training.wordings import Wordings, known_phrases
from underpaint_training.words import TABLE, Rows

# As the files are: a licence with two spaces, then offset, lexicographer file, kind, words in
# hexadecimal, pointers, gloss.
NOUNS = """\
  1 This is the licence.
00000001 06 n 01 umbrella 0 000 | a hand-held canopy  
00000002 06 n 02 gamp 0 brolly 0 001 @ 00000001 n 0000 | colloquial terms for an umbrella; "b."  
00000003 18 n 01 Gamp 0 001 @i 00000001 n 0000 | a nurse in a novel  
00000004 06 n 02 bumbershoot 0 umbrella 0 000 | an umbrella in fun  
00000005 07 n 01 thought 0 001 @ 00000001 n 0000 | nothing that can be painted  
"""
INDEX = """\
  1 This is the licence.
brolly n 1 1 @ 1 0 00000002  
bumbershoot n 1 0 1 0 00000004  
gamp n 2 1 @ 2 0 00000003 00000002  
thought n 1 1 @ 1 0 00000005  
umbrella n 2 0 2 1 00000001 00000004  
"""


@pytest.fixture
def net(tmp_path: Path) -> WordNet:
    folder = tmp_path / "packages" / "wordnet-base" / "usr" / "share" / "wordnet"
    folder.mkdir(parents=True)
    for name, text in (("noun", (NOUNS, INDEX)), ("adj", ("", ""))):
        for kind, lines in zip(("data", "index"), text):
            (folder / f"{kind}.{name}").write_text(lines, encoding="utf-8")
    return wordnet.load(tmp_path)


def embed(texts: Sequence[str]) -> Tensor:
    """A direction for every text."""
    rows = [torch.randn(64, generator=torch.Generator().manual_seed(hash_of(t))) for t in texts]
    return F.normalize(torch.stack(rows), dim=1)


def hash_of(text: str) -> int:
    return sum(ord(letter) * 31**i for i, letter in enumerate(text)) % 2**31


def test_senses_are_read(net: WordNet) -> None:
    assert len(net.senses) == 5
    brolly = net.senses["noun 00000002"]
    assert brolly.lemmas == ("gamp", "brolly")
    assert brolly.gloss == "colloquial terms for an umbrella"
    assert brolly.hypernyms == ("noun 00000001",) and brolly.is_thing
    assert net.senses["noun 00000003"].hypernyms == (), "a person is no kind of umbrella"
    assert not net.senses["noun 00000005"].is_thing
    assert net.senses_of["gamp"] == ("noun 00000003", "noun 00000002")


def test_words_are_related_to_known_ones(net: WordNet) -> None:
    words = {word.text: word for word in unseen_words(net, {"umbrella", "hat"})}
    assert sorted(words) == ["brolly", "bumbershoot", "gamp"]
    assert words["bumbershoot"].strongest == ("umbrella", 1.0)
    assert words["brolly"].strongest == ("umbrella", 0.7)
    assert [meaning.rank for meaning in words["gamp"].meanings] == [0], "no sense was counted"
    assert net.ranks_of["brolly"] == (0,) and net.ranks_of["umbrella"] == (0, 1)


def test_rare_words_lie_beside_what_they_mean(net: WordNet) -> None:
    words = unseen_words(net, {"umbrella"})
    umbrella = embed(["umbrella"])[0]
    rare = word_vectors(words, [False] * len(words), Names({}), embed)
    torch.testing.assert_close(rare.norm(dim=1), torch.ones(len(words)))
    whole = word_vectors(words, [True] * len(words), Names({}), embed)
    assert bool((rare @ umbrella > 0.6).all())
    assert bool((whole @ umbrella < rare @ umbrella).all()), "the teacher knows them better"


def test_of_words_for_the_same_the_gloss_tells_which_are_meant() -> None:
    directions = torch.eye(3)
    vectors = {"tabloid": directions[2], "tab": directions[0], "a newspaper": directions[1]}
    vectors["newspaper"] = vectors["a newspaper"]
    meaning = Meaning((("tab", 1.0), ("newspaper", 0.7)), "a newspaper", 0)
    found = word_vectors(
        [Word("tabloid", (meaning,))],
        [False],
        Names({}),
        lambda texts: torch.stack([vectors[t] for t in texts]),
    )[0]
    assert found[1] > 2 * found[0] > 0


def test_names_described_alike_say_what_is_meant() -> None:
    """A parasol is described like an umbrella, and like an aunt who is nowhere near a shade."""
    a, b, c = torch.eye(4)[:3]
    vectors = {"parasol": c, "shade": a, "source of shade": b, "umbrella": (a + c) / 2**0.5}
    vectors |= {"held over one": b, "aunt": c, "watching over one": b}
    meaning = Meaning((("shade", 0.7),), "source of shade", 0)

    def found(glosses: dict[str, str]) -> Tensor:
        words = [Word("parasol", (meaning,))]
        embed = lambda texts: torch.stack([vectors[t] for t in texts])  # noqa: E731
        return word_vectors(words, [False], Names(glosses), embed)[0]

    near, far = found({"umbrella": "held over one"}), found({"aunt": "watching over one"})
    assert near @ vectors["umbrella"] > far @ vectors["umbrella"] + 0.05
    torch.testing.assert_close(far, found({}))


def test_names_that_the_thesaurus_puts_beside_a_word_need_not_be_described_so_alike() -> None:
    a, b, c = torch.eye(3)
    shelter = 0.3 * b + 0.9539 * c  # of the glosses 0.3 are alike, too little without the thesaurus
    vectors = {"citadel": c, "stronghold": a, "a shelter": b, "a building": shelter}
    vectors |= {"castle": 0.3 * a + 0.9539 * b}
    words = [Word("citadel", (Meaning((("stronghold", 0.7),), "a shelter", 0),))]

    def found(beside: dict[str, set[str]]) -> Tensor:
        embed = lambda texts: torch.stack([vectors[t] for t in texts])  # noqa: E731
        return word_vectors(words, [False], Names({"castle": "a building"}, beside), embed)[0]

    alone = word_vectors(words, [False], Names({}), lambda t: torch.stack([vectors[x] for x in t]))
    torch.testing.assert_close(found({}), alone[0])
    assert found({"citadel": {"castle"}}) @ vectors["castle"] > alone[0] @ vectors["castle"] + 0.05


def test_the_thesaurus_reads_both_ways(tmp_path: Path) -> None:
    folder = tmp_path / "packages" / "moby-1.1.2" / "package"
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text("Castle,citadel,keep\nkeep,hold\n", encoding="utf-8")
    beside = thesaurus.load(tmp_path)
    assert beside["citadel"] == {"castle"} and beside["keep"] == {"castle", "hold"}


def test_names_are_described(net: WordNet) -> None:
    assert glosses_of(["umbrella", "thought", "ship"], net) == {"umbrella": "a hand-held canopy"}


def test_plurals_mean_things() -> None:
    senses = {
        "noun 1": Sense(("sweet",), "a food rich in sugar", ("noun 2",), True),
        "noun 2": Sense(("candy",), "sugar", (), True),
        "adj 1": Sense(("sweet",), "tasting of sugar", (), False),
    }
    senses_of = {"sweet": ("noun 1", "adj 1"), "candy": ("noun 2",)}
    net = WordNet(senses, senses_of, {"sweet": (0, 1), "candy": (0,)})
    found = plurals_of_nouns(net, ["sweets", "candys", "sweet", "greens"], {"candy", "sweet"})
    assert [(word.text, word.strongest) for word in found] == [("sweets", ("candy", 0.7))]


def test_pieces_are_drawn_most(net: WordNet) -> None:
    words = unseen_words(net, {"umbrella"})
    weights = draw_weights(words, [True, False, False])
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[0]) > 5 * float(weights[2]), "brolly, a piece, against gamp"


def test_long_wordings_come_first(net: WordNet, data_dir: Path) -> None:
    pictures = Pictures(data_dir, ["flat-color-icons"], 4)
    assert {"red circle", "circle", "shape"} <= known_phrases(pictures)
    words = unseen_words(net, {"umbrella"})
    wordings = Wordings(pictures, net, words, draw_weights(words, [True] * len(words)))
    drawn, n_long = wordings.draw(np.random.default_rng(0), 40)
    assert len(drawn) == 40 and n_long == 12
    assert all(each.word is None and len(each.parts) == 1 for each in drawn[:n_long])
    assert any(len(each.parts) == 2 for each in drawn), "two things joined"
    of_words = [each for each in drawn if each.word is not None]
    assert all(words[each.word].text in each.text for each in of_words if each.word is not None)
    assert any(each.style and each.style in each.text for each in of_words)
    assert wordings.draw(np.random.default_rng(0), 40)[0] == drawn


def test_things_that_a_prompt_joins() -> None:
    assert things("a cat and a ball", 3) == ["a cat", "a ball"]
    assert things("Sun & moon, 3d style", 3) == ["Sun, 3d style", "moon, 3d style"]
    for whole in ("", "a cat", "a black and white cat", "and", "cat and", "band, rock and roll"):
        assert things(whole, 3) == [], whole


def test_styles_that_a_prompt_names() -> None:
    styles = ["flat", "3d", "soft flat"]
    for prompt, style, rest in (
        ("happy dog, flat style", "flat", "happy dog"),
        ("A dog in 3D style", "3d", "A dog"),
        ("a dog in a flat style", "flat", "a dog"),
        ("flat style dog", "flat", "dog"),
        ("dog, flat style, red", "flat", "dog, red"),
        ("dog, soft flat style", "soft flat", "dog"),
        ("bargain, flat style", "flat", "bargain"),
    ):
        assert styled(prompt, styles) == (style, rest)
    for prompt in ("", "a flat dog", "flat styles", "unflat style", "flat style", "dog, ö style"):
        assert styled(prompt, ["flat", ""]) is None


def test_only_the_rows_of_words_are_trained(smoke: Settings) -> None:
    torch.manual_seed(0)
    encoder = random_encoder(smoke.model_config().text)
    ids = torch.tensor([7, 30])
    module, whole = Rows(encoder, ids), encoder.state_dict()[TABLE]
    torch.testing.assert_close(module.table(whole), whole)
    module.table(whole)[[7, 30, 8]].sum().backward()
    assert module.rows.grad is not None and bool((module.rows.grad == 1).all())
    with torch.no_grad():
        module.rows += 1
    changed = (module.table(whole) != whole).any(1).nonzero().flatten()
    assert changed.tolist() == [7, 30]
