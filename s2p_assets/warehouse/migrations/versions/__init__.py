"""The revisions, oldest first; each says what it changes and is never edited once it is released."""
