"""Tests of the room `messaging/`, with real mail servers and a real receiver of web hooks."""
