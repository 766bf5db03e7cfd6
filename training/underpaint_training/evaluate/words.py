"""Words that no caption has: do they paint what the known word for the same thing paints?"""

from __future__ import annotations

from ..wordings import known_phrases
from .fidelity import class_judge
from .subject import Subject
from .table import Row

# The known words are names of things that the judge of classes knows.
SYNONYMS = {
    "accumulator": "battery",
    "airliner": "airplane",
    "biro": "pen",
    "blaze": "fire",
    "bloke": "man",
    "bonfire": "fire",
    "brolly": "umbrella",
    "cab": "taxi",
    "canine": "dog",
    "citadel": "castle",
    "coronet": "crown",
    "cranium": "skull",
    "dame": "woman",
    "diadem": "crown",
    "diskette": "floppy disk",
    "fowl": "chicken",
    "frock": "dress",
    "gazette": "newspaper",
    "hypodermic": "syringe",
    "inferno": "fire",
    "jetliner": "airplane",
    "lad": "boy",
    "lager": "beer mug",
    "loudhailer": "megaphone",
    "mallet": "hammer",
    "moggy": "cat",
    "motorbus": "bus",
    "mutt": "dog",
    "omnibus": "bus",
    "pachyderm": "elephant",
    "phantom": "ghost",
    "pooch": "dog",
    "porpoise": "dolphin",
    "pushbike": "bicycle",
    "saguaro": "cactus",
    "sledgehammer": "hammer",
    "spectacles": "glasses",
    "spook": "ghost",
    "sunbeam": "sun",
    "sunshade": "umbrella",
    "sweets": "candy",
    "tabby": "cat",
    "tabloid": "newspaper",
    "tot": "baby",
    "valise": "briefcase",
    "wraith": "ghost",
}
_MAX_LOSS = 10  # percentage points


def unseen_words(subject: Subject) -> list[Row]:
    """Both words of every pair painted with memory, judged as the class of the known one."""
    judge = class_judge(subject)
    if judge is None:
        return []
    seen = known_phrases(subject.pictures)
    pairs = [
        (word, known)
        for word, known in SYNONYMS.items()
        if known in judge.label_of and word not in seen
    ][: subject.number(len(SYNONYMS))]
    if not pairs:
        return []
    wanted = [known for _, known in pairs]
    share = judge.share_painted(subject, wanted, wanted)
    unseen = judge.share_painted(subject, [word for word, _ in pairs], wanted)
    return [
        Row(f"known words of {len(pairs)} pairs, top 5", share, "%"),
        Row("unseen words for the same, top 5", unseen, "%", at_least=share - _MAX_LOSS),
    ]
