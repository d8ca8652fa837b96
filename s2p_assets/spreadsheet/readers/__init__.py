"""One reader per file format, from bytes to cells at true addresses. What a cell means is decided beside this room."""
