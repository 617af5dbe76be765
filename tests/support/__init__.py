"""What several folders of tests share. Each folder keeps what is particular to it in a `support.py` of its own."""
