"""The rule lab: what a rule or a detector would have done on what is stored, and what its thresholds cost.

reading -> crowds | matters | series -> Replayed -> incidents, curve, compare -> run -> report
"""
