#!/usr/bin/env python3
"""Reads `nnc train --json` and fails unless the last record with KEY has at least LEAST."""
import json, sys

key, least = sys.argv[1], float(sys.argv[2])
values = [record[key] for record in map(json.loads, sys.stdin) if key in record]
if not values or values[-1] < least:
    sys.exit(f"{key} is {values[-1] if values else 'absent'}, expected at least {least}")
