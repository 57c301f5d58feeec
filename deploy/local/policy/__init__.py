"""``make policy``: the published policy as stories on the local stack, one file each (``rule_*.py``), and their table.

A new story is a new file ``rule_<number>….py`` with a ``STORY``; nothing else has to be changed.
"""
