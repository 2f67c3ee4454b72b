"""What a visit leaves behind: who was there, what was agreed, how it ended, what people say of it."""
