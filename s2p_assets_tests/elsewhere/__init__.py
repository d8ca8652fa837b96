"""Tests of what lies elsewhere: remote folders and the mailbox, against real servers on this computer."""
