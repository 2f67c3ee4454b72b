"""What a payment is in the books: a numbered document, a line in a journal, a file that is handed over once."""
