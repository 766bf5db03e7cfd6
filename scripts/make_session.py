#!/usr/bin/env python3
"""Writes tests/sessions/cat.csv: a minute of drawing, as a mouse of 125 Hz reports it.

The hand is a model, because a recording would be one person's: strokes follow smooth curves with
the bell-shaped speed of human movement (Flash and Hogan 1985, minimum jerk), a tremor of half a
pixel, and pauses in which the hand travels. Same script, same file.

Columns: seconds, what, x, y. `what` is move, down, up (x and y in canvas pixels), or the name of a
key or command with empty positions.
"""

import math
import random
from pathlib import Path

RATE_HZ = 125
SPEED = 120.0  # canvas pixels a second, mean; on a canvas shown three times as large, a calm hand
OUT = Path(__file__).parent.parent / "tests" / "sessions" / "cat.csv"
random.seed(20)


def arc(cx, cy, rx, ry, start, end, n=40):
    turns = [start + (end - start) * i / (n - 1) for i in range(n)]
    return [(cx + rx * math.cos(t * math.tau), cy + ry * math.sin(t * math.tau)) for t in turns]


def along(points, share):
    """The position at a share of the polyline's length."""
    lengths = [math.dist(a, b) for a, b in zip(points, points[1:])]
    left = share * sum(lengths)
    for (a, b), length in zip(zip(points, points[1:]), lengths):
        if left <= length and length > 0:
            t = left / length
            return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t
        left -= length
    return points[-1]


def minimum_jerk(t):
    return t**3 * (10 - 15 * t + 6 * t * t)


class Hand:
    def __init__(self):
        self.secs, self.pos, self.tremor, self.rows = 0.0, (128.0, 128.0), [0.0, 0.0], []

    def put(self, what, pos=None):
        cells = ["", ""] if pos is None else [f"{pos[0]:.1f}", f"{pos[1]:.1f}"]
        self.rows.append(",".join([f"{self.secs:.3f}", what, *cells]))

    def shaken(self, pos):
        self.tremor = [0.9 * value + random.gauss(0, 0.15) for value in self.tremor]
        return pos[0] + self.tremor[0], pos[1] + self.tremor[1]

    def follow(self, points, speed):
        length = sum(math.dist(a, b) for a, b in zip(points, points[1:]))
        n_steps = max(3, int(RATE_HZ * max(0.12, length / speed)))
        for step in range(1, n_steps + 1):
            self.secs += 1 / RATE_HZ
            self.pos = self.shaken(along(points, minimum_jerk(step / n_steps)))
            self.put("move", self.pos)

    def pause(self, secs):
        self.secs += secs

    def stroke(self, points, rest=0.3):
        self.follow([self.pos, points[0]], 2.5 * SPEED)
        self.pause(0.06)
        self.put("down", self.pos)
        self.follow(points, SPEED * random.uniform(0.8, 1.25))
        self.secs += 1 / RATE_HZ
        self.put("up", self.pos)
        self.pause(rest * random.uniform(0.7, 1.4))

    def key(self, name, rest=0.35):
        self.put(name)
        self.pause(rest)


hand = Hand()
hand.key("clear", 0.2)
hand.key("prompt:an orange cat, cartoon style", 0.8)
hand.stroke(arc(128, 96, 58, 50, -0.3, 0.72))  # head
hand.stroke([(84, 66), (74, 26), (108, 50)])  # ears
hand.stroke([(148, 50), (182, 26), (172, 66)], rest=1.2)
hand.stroke(arc(106, 92, 9, 12, 0, 1), rest=0.15)  # eyes
hand.stroke(arc(150, 92, 9, 12, 0, 1))
hand.stroke([(122, 112), (134, 112), (128, 119), (122, 112)])  # nose
hand.stroke(arc(118, 120, 10, 9, 0.0, 0.5), rest=0.15)
hand.stroke(arc(138, 120, 10, 9, 0.0, 0.5), rest=1.4)
for dy in (-6, 2, 10):  # whiskers
    hand.stroke([(92, 116 + dy / 3), (52, 112 + dy)], rest=0.1)
for dy in (-6, 2, 10):
    hand.stroke([(164, 116 + dy / 3), (204, 112 + dy)], rest=0.1)
hand.pause(0.8)
hand.stroke([(92, 136), (76, 176), (74, 214), (84, 228)])  # body
hand.stroke([(166, 136), (182, 176), (184, 214), (174, 228)])
hand.stroke([(84, 228), (128, 236), (174, 228)], rest=1.0)
hand.stroke([(182, 214), (222, 206), (232, 168), (214, 146), (206, 160)])  # tail
hand.key("undo", 0.5)
hand.stroke([(182, 216), (226, 220), (240, 180), (222, 150)], rest=1.2)
hand.key("eraser")
hand.stroke([(52, 104), (70, 112), (52, 124)], rest=0.2)
hand.stroke([(204, 104), (186, 112), (204, 124)], rest=0.8)
hand.key("undo", 0.25)
hand.key("undo", 0.25)
hand.key("redo", 0.6)
hand.key("brush")
hand.key("layer:colour", 0.4)
hand.key("larger", 0.1)
hand.key("larger", 0.1)
hand.key("larger", 0.4)
for row in range(5):  # colour, to and fro
    y = 70 + 12 * row
    ends = [(88, y), (168, y + 4)]
    hand.stroke(ends if row % 2 == 0 else ends[::-1], rest=0.1)
hand.stroke([(100, 150), (150, 160), (96, 176), (158, 188), (94, 204), (160, 216)], rest=1.0)
hand.key("layer:lines")
hand.stroke(arc(128, 196, 24, 20, 0.5, 1.0))
hand.stroke([(110, 214), (110, 230)], rest=0.15)
hand.stroke([(146, 214), (146, 230)], rest=0.8)
hand.key("prompt:a grey cat, cartoon style", 1.2)
hand.stroke(arc(128, 150, 34, 6, 0.0, 0.5))  # collar
hand.stroke(arc(128, 160, 6, 6, 0, 1), rest=0.6)
while hand.secs < 58.5:  # fur
    x, y = random.uniform(84, 172), random.uniform(170, 226)
    hand.stroke([(x, y), (x + random.uniform(-6, 6), y + random.uniform(6, 12))], rest=0.12)
hand.pause(1.0)
hand.put("end")
OUT.parent.mkdir(exist_ok=True)
OUT.write_text("seconds,what,x,y\n" + "\n".join(hand.rows) + "\n")
print(f"{OUT.name}: {hand.secs:.1f} s, {len(hand.rows)} events, {OUT.stat().st_size // 1024} KiB")
