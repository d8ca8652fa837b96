"""What a person at a terminal reads: one module for each kind of answer. What is asked is in the commands beside."""
