"""Which version is in service: the paired test, the choice of a champion, its promotion. Training is elsewhere."""
