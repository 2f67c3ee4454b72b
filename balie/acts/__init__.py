"""Formal acts: something is reserved in somebody's name, paid for and confirmed; and what follows when that fails."""
