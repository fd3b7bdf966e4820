"""Writes customers.csv for docs/tabular-data.md: make-customers.py ROWS. Who is
above 50 and pays, or is not and does not, has left."""
import random
import sys

random.seed(1)
cities = ["Berlin", "Paris", "Rome", "Oslo", "Bern", "Wien", "São Paulo"]
plans = ["basic", "pro, annual", "free"]
with open("customers.csv", "w", encoding="utf-8") as file:
    file.write("\ufeffage,income,city,plan,customer since,churned\n")
    for i in range(int(sys.argv[1])):
        age, income = random.randint(18, 90), random.randint(0, 90000)
        city, plan = random.choice(cities), random.choice(plans)
        left = "yes" if (age > 50) ^ (plan == "free") else "no"
        since = f"20{random.randint(10, 23)}-0{random.randint(1, 9)}-11"
        known = "" if i % 17 == 0 else age
        earned = "NA" if i % 23 == 0 else income
        file.write(f'{known},{earned},{city},"{plan}",{since},{left}\n')
