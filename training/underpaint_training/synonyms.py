"""Where words that no caption has belong: beside the words for the same or a wider thing.

The teacher knows few rare words: it reads them as pieces of others ("brolly" is near "broccoli").
WordNet knows what they mean. As in "Retrofitting Word Vectors to Semantic Lexicons" (Faruqui et
al., 2015) a word moves towards the words that it is related to, the more the less the teacher
knows it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from .data.thesaurus import Thesaurus
from .data.wordnet import WordNet

Embed = Callable[[Sequence[str]], Tensor]  # n texts → (n, text_dim), of length 1

_MAX_SENSES, _MAX_PHRASES = 4, 4
_MAX_LENGTH = 30
# Single words: what is named with two the teacher understands by its parts.
_WORD = re.compile(r"[a-z][a-z'-]+")
# How much a phrase says of a word: the same thing, a wider one, a wider one still, a narrower one.
_SAME, _WIDER, _WIDEST, _NARROWER = 1.0, 0.7, 0.4, 0.4
_GLOSS, _GLOSS_TEMPERATURE = 0.8, 0.3
# How much the name of a picture says that is described alike, how alike its gloss must be, and how
# near the name to the other phrases (a renegade is described like a skunk).
_ALIKE, _MIN_ALIKE, _MIN_NEAR = 0.7, 0.45, 0.4
# How much more a name counts, and how much less alike it must be, that a thesaurus puts beside the
# word: a citadel is a castle, although it is described like a shelter.
_BESIDE = 0.25
_OWN_WHOLE, _OWN_PIECES = 0.5, 0.1  # weight of the teacher's vector, by whether it knows the word
_RARE = 0.1  # how often a word is drawn that is read in several pieces
_SENSE_TEMPERATURE, _RANK_COST = 0.1, 0.7
# Names of pictures say more than their keywords; what has a picture is more likely meant.
_NAMED, _NAMED_SENSE = 2.0, 2.0


@dataclass(frozen=True)
class Meaning:
    """One sense of a word, as captions would say it."""

    phrases: tuple[tuple[str, float], ...]  # words that captions have, and how much each says
    gloss: str
    rank: int  # 0 is the most usual sense; of uncounted ones none is more usual


@dataclass(frozen=True)
class Names:
    """What pictures are named, as far as it says what other words mean."""

    glosses: Mapping[str, str]  # how WordNet describes each
    beside: Thesaurus = field(default_factory=dict)  # of words: what a thesaurus puts beside them


@dataclass(frozen=True)
class Word:
    text: str
    meanings: tuple[Meaning, ...]

    @property
    def strongest(self) -> tuple[str, float]:
        """The phrase that says most."""
        phrases = [phrase for meaning in self.meanings for phrase in meaning.phrases]
        return max(phrases, key=lambda phrase: phrase[1])


def unseen_words(net: WordNet, known: AbstractSet[str]) -> list[Word]:
    """Words that are not `known` but related to one that is, in the order of the alphabet."""
    narrower = _narrower(net)
    words = []
    for text, keys in sorted(net.senses_of.items()):
        if text in known or len(text) > _MAX_LENGTH or not _WORD.fullmatch(text):
            continue
        meanings = [
            Meaning(_phrases(net, key, known, narrower), net.senses[key].gloss, rank)
            for key, rank in list(zip(keys, net.ranks_of[text]))[:_MAX_SENSES]
        ]
        found = tuple(meaning for meaning in meanings if meaning.phrases)
        words += [Word(spelling, found) for spelling in _spellings(text, known) if found]
    return words


def plurals_of_nouns(net: WordNet, texts: Iterable[str], known: AbstractSet[str]) -> list[Word]:
    """Plurals whose singular is also an adjective: sweets are no quality, but things."""
    narrower, words = _narrower(net), []
    for text in sorted(set(texts) - known - set(net.senses_of)):
        singular = text.removesuffix("s")
        keys = net.senses_of.get(singular, ()) if singular != text else ()
        nouns = [key for key in keys if net.senses[key].is_thing]
        if nouns and any(key.startswith("adj") for key in keys):
            others = known - {singular}
            senses = [
                (_phrases(net, key, others, narrower), net.senses[key].gloss) for key in nouns
            ]
            found = tuple(Meaning(phrases, gloss, 0) for phrases, gloss in senses if phrases)
            words += [Word(text, found)] if found else []
    return words


def glosses_of(names: Iterable[str], net: WordNet) -> dict[str, str]:
    """What pictures are named and how WordNet describes that, where it knows it as a thing."""
    found = {}
    for name in sorted(set(names)):
        keys = [key for key in net.senses_of.get(name, ()) if net.senses[key].is_thing]
        if keys:
            found[name] = net.senses[keys[0]].gloss
    return found


def _narrower(net: WordNet) -> Mapping[str, Sequence[str]]:
    """The keys of the senses that are a kind of each."""
    narrower: dict[str, list[str]] = defaultdict(list)
    for key, sense in net.senses.items():
        for wider in sense.hypernyms:
            narrower[wider].append(key)
    return narrower


def _phrases(
    net: WordNet, key: str, known: AbstractSet[str], narrower: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, float], ...]:
    """The closest known words for a sense; narrower ones only where nothing else is known.

    What cannot be painted counts only if a known word means the same.
    """
    sense = net.senses[key]
    phrases = {lemma: _SAME for lemma in sense.lemmas if lemma in known}
    if sense.is_thing:
        wider = sense.hypernyms
        widest = [above for each in wider for above in net.senses[each].hypernyms]
        for keys, weight in ((wider, _WIDER), (widest, _WIDEST)):
            if weight == _WIDEST and phrases:
                break
            for lemma in (lemma for each in keys for lemma in net.senses[each].lemmas):
                if lemma in known:
                    phrases.setdefault(lemma, weight)
    if phrases or not sense.is_thing:
        return tuple(phrases.items())[:_MAX_PHRASES]
    below = [lemma for each in narrower.get(key, ()) for lemma in net.senses[each].lemmas]
    return tuple((lemma, _NARROWER) for lemma in below if lemma in known)[:_MAX_PHRASES]


def _spellings(text: str, known: AbstractSet[str]) -> list[str]:
    """With a hyphen, with a space and in one word."""
    spellings = [text]
    if "-" in text:
        spellings += [text.replace("-", " "), text.replace("-", "")]
    return [spelling for spelling in spellings if spelling not in known]


def draw_weights(words: Sequence[Word], is_piece: Sequence[bool]) -> Tensor:
    """How often each word is drawn, (n,), the sum is 1.

    Certain ones more, the thousand kinds of plant less, and most of all those that the student
    reads as one piece: it can learn them.
    """
    n_like: dict[str, int] = defaultdict(int)
    for word in words:
        n_like[word.strongest[0]] += 1
    weights = [
        word.strongest[1] / n_like[word.strongest[0]] ** 0.25 * (1 if is_whole else _RARE)
        for word, is_whole in zip(words, is_piece)
    ]
    return torch.tensor(weights, dtype=torch.float64) / sum(weights)


def word_vectors(
    words: Sequence[Word], is_whole: Sequence[bool], named: Names, embed: Embed
) -> Tensor:
    """What the student should answer, (n, text_dim); `is_whole`: the teacher has it as one piece.

    Of several senses those count that the teacher thinks of, the usual ones more.
    """
    texts = list(dict.fromkeys(text for word in words for text in _texts(word)))
    row_of = {text: row for row, text in enumerate(texts)}
    vectors = embed(texts)
    glosses = named.glosses
    names = embed(list(glosses)) if glosses else vectors[:0]
    described = embed(list(glosses.values())) if glosses else vectors[:0]
    found = []
    for word, whole in zip(words, is_whole):
        own = vectors[row_of[word.text]]
        beside = named.beside.get(word.text, ())
        senses, scores = [], []
        for meaning in word.meanings:
            said = vectors[[row_of[phrase] for phrase, _ in meaning.phrases]]
            gloss = vectors[row_of[meaning.gloss]]
            weights = torch.tensor([weight for _, weight in meaning.phrases])
            is_named = torch.tensor([phrase in glosses for phrase, _ in meaning.phrases])
            # A foal is beside "child"; who is led to "horse" already needs no thesaurus.
            helps = not bool(is_named.any())
            is_beside = torch.tensor([helps and name in beside for name in glosses])
            alike = _described_alike(gloss, said, names, described, is_beside)
            said = torch.cat([said, alike])
            weights = torch.cat([weights, torch.full((len(alike),), _ALIKE)])
            is_named = torch.cat([is_named, torch.ones(len(alike), dtype=torch.bool)])
            best = float(weights.max())
            # Words for the same thing may mean another as well: "tab" is a tabloid, too.
            weights = torch.where(is_named, _NAMED, 1.0) * weights
            weights = weights * ((said @ gloss) / _GLOSS_TEMPERATURE).exp()
            sense = best * (weights @ said / weights.sum()) + _GLOSS * gloss
            agreement = float(F.cosine_similarity(own, sense, dim=0)) if whole else 0.0
            senses.append(F.normalize(sense, dim=0))
            likely = 2 * best + _NAMED_SENSE * bool(is_named.any())
            scores.append(agreement / _SENSE_TEMPERATURE - _RANK_COST * meaning.rank + likely)
        mixed = torch.tensor(scores).softmax(0) @ torch.stack(senses)
        weight = _OWN_WHOLE if whole else _OWN_PIECES
        found.append(F.normalize(F.normalize(mixed, dim=0) + weight * own, dim=0))
    return torch.stack(found)


def _described_alike(
    gloss: Tensor, said: Tensor, names: Tensor, described: Tensor, is_beside: Tensor
) -> Tensor:
    """Of names (m, text_dim) the one whose gloss is most alike, if any is, (0 or 1, text_dim).

    is_beside (m,): the thesaurus has it with the word.
    """
    if not len(names):
        return names
    more = _BESIDE * is_beside
    alike, near = described @ gloss + more, (names @ said.t()).amax(1) + more
    fits = (alike >= _MIN_ALIKE) & (near >= _MIN_NEAR)
    best = torch.where(fits, alike + near, 0.0).argmax()
    return names[best][None] if fits[best] else names[:0]


def _texts(word: Word) -> list[str]:
    phrases = [phrase for meaning in word.meanings for phrase, _ in meaning.phrases]
    return [word.text, *phrases, *(meaning.gloss for meaning in word.meanings)]
