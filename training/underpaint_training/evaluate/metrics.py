"""The metrics, each a function from the subject to rows of the table."""

from __future__ import annotations

import io
from collections import defaultdict

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from underpaint_reference.asked import ask
from underpaint_reference.session import Request, Session
from underpaint_reference.slots import Slots

from ..controls import edges
from ..data.captions import COLOURS
from ..painting import decode, paint
from ..tokenizer import reconstruction_psnr
from ..warps import elastic, squash
from . import measures
from .fidelity import class_fidelity, style_words
from .subject import Subject, latent_of_entry, latent_of_slot
from .table import Row
from .words import unseen_words

N_RECONSTRUCTED, N_TRACED, N_WARPED, N_PREVIEWED, N_SEEDED, N_COPIED = 512, 200, 60, 40, 12, 60
SEEDS = 8
OBJECTS = (
    "apple",
    "car",
    "heart",
    "butterfly",
    "house",
    "fish",
    "bird",
    "flower",
    "hat",
    "cup",
    "star",
    "balloon",
)
_MAX_INK_SHARE = 0.35  # lines denser than this are no drawing


def reconstruction(subject: Subject) -> list[Row]:
    chosen = subject.held_out(N_RECONSTRUCTED)
    value = reconstruction_psnr(subject.model.tokenizer, subject.pictures, chosen)
    return [Row("reconstruction, held-out pictures", value, "dB", at_least=26.5)]


def line_control(subject: Subject) -> list[Row]:
    """Lines and captions of held-out pictures; the edges of the results against the lines."""
    scores: dict[float, list[float]] = {1.0: [], 0.0: []}
    for index in subject.held_out(N_TRACED):
        ink = edges(subject.pictures.pixels(np.array([index]))[0])
        for strength, found in scores.items():
            f_hat = paint(subject.model, subject.caption(index), lines=ink, strength=strength)[-1]
            found.append(measures.edge_f1(decode(subject.model, f_hat)[0], ink))
    rows = [
        Row("line control, F1 at strength 1", float(np.mean(scores[1.0])), at_least=0.75),
        Row("line control, F1 at strength 0", float(np.mean(scores[0.0])), at_most=0.35),
    ]
    return rows + _namesakes(subject)


def _namesakes(subject: Subject) -> list[Row]:
    """What strength 0 can be compared with: real pictures of the same name, drawn by others."""
    pictures = subject.pictures
    by_name: dict[str, list[int]] = defaultdict(list)
    for i, entry in enumerate(pictures.entries):
        if not entry.is_tone_variant:
            by_name[entry.name].append(i)
    scores = []
    for index in subject.held_out(N_TRACED):
        ink = edges(pictures.pixels(np.array([index]))[0])
        others = [i for i in by_name[pictures.entries[int(index)].name] if i != index]
        if others:
            real = pictures.pixels(np.array(others))
            scores.append(float(np.mean([measures.edge_f1(picture, ink) for picture in real])))
    if not scores:
        return []
    return [Row("line control, F1 of real pictures of the same name", float(np.mean(scores)))]


def sketch_against_memory(subject: Subject) -> list[Row]:
    """A remembered picture strongly warped gives the lines, the original the inspiration."""
    model, rng = subject.model, np.random.default_rng(11)
    if model.memory is None:
        return []
    chosen = rng.choice(len(model.memory.entries), subject.number(N_WARPED), replace=False)
    scores, distances, random_distances = [], [], []
    originals = [decode(model, latent_of_entry(model, int(i))[None])[0] for i in chosen]
    for row, (entry_idx, original) in enumerate(zip(chosen, originals)):
        warped = squash(original.flip(-1), rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0))
        ink = edges(elastic(warped, 0.08, 5, rng).clamp(0, 1))
        if not 0 < float(ink.mean()) < _MAX_INK_SHARE:
            continue
        entry = model.memory.entries[int(entry_idx)]
        f_hat = _inspired(
            subject, f"{entry['caption']}, {entry['style']} style", int(entry_idx), ink
        )
        painted = decode(model, f_hat)[0]
        scores.append(measures.edge_f1(painted, ink))
        distances.append(measures.palette_distance(painted, original))
        random_distances.append(measures.palette_distance(originals[row - 1], original))
    ratio = float(np.mean(distances) / np.mean(random_distances))
    return [
        Row("sketch against memory, F1 of the edges", float(np.mean(scores)), at_least=0.7),
        Row("sketch against memory, palette distance to random", ratio, at_most=1 / 3),
    ]


def _inspired(subject: Subject, prompt: str, entry_idx: int, ink: Tensor) -> Tensor:
    """Paints from lines (H, W) with one given entry in the first slot: (1, C, g, g)."""
    from underpaint_reference.control import Control

    model = subject.model
    slots = Slots(latent_of_entry(model, entry_idx)[None, None], torch.ones(1, 1, dtype=torch.bool))
    controls = [("lines", Control(ink[None, None]))]
    request = Request([0], model.config.sampling, controls, slots=slots)
    with torch.no_grad():
        session = Session(model, model.encode_text([prompt]), model.encode_text([""]), request)
        while not session.is_complete:
            session.step()
    return session.f_hat


def colour_fidelity(subject: Subject) -> list[Row]:
    """Twelve colours times twelve objects: is the colour among the two dominant ones?"""
    asked = [(colour, thing) for colour in COLOURS for thing in OBJECTS]
    step = max(1, round(1 / subject.share))
    hits = []
    for colour, thing in asked[::step]:
        picture = decode(subject.model, paint(subject.model, f"{colour} {thing}")[-1])[0]
        hits.append(colour in measures.dominant_colours(picture))
    return [Row("colour words, share painted", 100 * float(np.mean(hits)), "%", at_least=70)]


def previews(subject: Subject) -> list[Row]:
    """What is shown after each scale against the finished picture."""
    by_scale: list[list[float]] = []
    for index in subject.held_out(N_PREVIEWED):
        f_hats = paint(subject.model, subject.caption(index))
        pictures = [decode(subject.model, f_hat) for f_hat in f_hats]
        by_scale.append([measures.psnr(each, pictures[-1]) for each in pictures[:-1]])
    means = np.mean(by_scale, axis=0)
    return [
        Row(f"preview after scale {k + 1}", float(value), "dB") for k, value in enumerate(means)
    ]


def diversity(subject: Subject) -> list[Row]:
    """How much eight seeds of one prompt differ."""
    values = []
    for index in subject.held_out(N_SEEDED):
        f_hat = paint(subject.model, subject.caption(index), range(SEEDS))[-1]
        values.append(measures.mean_pairwise_distance(decode(subject.model, f_hat)))
    return [Row("diversity, distance between eight seeds", float(np.mean(values)))]


def copying(subject: Subject) -> list[Row]:
    """Pictures closer to what inspired them than two JPEG variants of a picture are."""
    model, pictures = subject.model, subject.pictures
    if model.memory is None:
        return []
    chosen = subject.held_out(N_COPIED)
    limit = float(np.mean([_jpeg_distance(subject, int(index)) for index in chosen]))
    is_copy: dict[str, list[bool]] = {"prompt alone": [], "with lines": []}
    for index in chosen:
        prompt = subject.caption(index)
        slots = model.memory.retrieve_each(ask(model, prompt), model.config.memory, 0)
        remembered = [latent_of_slot(model, matches) for matches in slots]
        ink = edges(pictures.pixels(np.array([index]))[0])
        for name, lines in (("prompt alone", None), ("with lines", ink)):
            f_hat = paint(model, prompt, lines=lines)[-1][0]
            distances = [measures.latent_distance(f_hat, latent) for latent in remembered]
            is_copy[name].append(min(distances) < limit)
    rows = [Row("copies, limit of the latent distance", limit)]
    share = {name: 100 * float(np.mean(found)) for name, found in is_copy.items()}
    rows.append(Row("copies, prompt alone", share["prompt alone"], "%"))
    return rows + [Row("copies, with lines", share["with lines"], "%", at_most=10)]


def _jpeg_distance(subject: Subject, index: int) -> float:
    """Latent distance, after quantisation, of a picture's variants at two JPEG qualities."""
    picture, tokenizer = subject.pictures.pixels(np.array([index]))[0], subject.model.tokenizer
    variants = torch.stack([_as_jpeg(picture, quality) for quality in (60, 85)])
    with torch.no_grad():
        f_hats = tokenizer.quantise(tokenizer.encode(variants)[1])[1]
    return measures.latent_distance(*f_hats[-1])


def _as_jpeg(picture: Tensor, quality: int) -> Tensor:
    """(4, H, W) with its colours compressed."""
    pixels = (picture[:3].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    rgb = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float() / 255
    return torch.cat([torch.minimum(rgb, picture[3:]), picture[3:]])


METRICS = {
    "reconstruction": reconstruction,
    "lines": line_control,
    "sketch": sketch_against_memory,
    "colours": colour_fidelity,
    "classes": class_fidelity,
    "styles": style_words,
    "words": unseen_words,
    "previews": previews,
    "diversity": diversity,
    "copies": copying,
}
