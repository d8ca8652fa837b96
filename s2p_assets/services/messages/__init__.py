"""What there is to tell people, and the step that tells it; how messages are written and sent is in `messaging/`."""
