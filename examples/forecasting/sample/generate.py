"""Makes sales.csv: three shops, their weeks and seasons, promotions, and two planned weeks that are not sold yet."""

import csv
import datetime
import math
import random

SOLD, PLANNED = 900, 14
SHOPS = {"berlin": (140, 0.05, 0), "lyon": (90, -0.03, 0), "porto": (60, 0.12, 5)}
WEEK = (0.85, 0.82, 0.9, 1.0, 1.25, 1.45, 0.73)

chance = random.Random(7)
first = datetime.date(2026, 8, 31) - datetime.timedelta(days=SOLD - 1)
with open("sales.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["date", "shop", "units", "price", "promotion"])
    for shop, (level, growth, shift) in SHOPS.items():
        price, week, drift = 4.0, False, 0.0
        for number in range(SOLD + PLANNED):
            day = first + datetime.timedelta(days=number)
            if day.weekday() == 0:
                week = chance.random() < 0.18
                price = round(4.0 + 0.25 * chance.choice((-1, 0, 0, 1)), 2)
            drift = 0.97 * drift + chance.gauss(0, 0.02)
            season = 1 + 0.2 * math.sin(2 * math.pi * (day.timetuple().tm_yday - 80) / 365.25)
            mean = level * (1 + growth * number / 365) * season * WEEK[(day.weekday() + shift) % 7] * math.exp(drift)
            mean *= (1.5 if week else 1.0) * (price / 4.0) ** -1.8
            units = max(0, round(chance.gauss(mean, 1.2 * math.sqrt(mean))))
            writer.writerow([day, shop, units if number < SOLD else "", f"{price:.2f}", int(week)])
