"""The words and numbers of the socket: how large and how often anything may be, and which close codes there are."""

from typing import Literal

FRAME_MAX_BYTES = 128 * 1024
CONTENT_MAX_CHARACTERS = 8_000
REF_MAX_CHARACTERS = 64
REASON_MAX_CHARACTERS = 500
COMMENT_MAX_CHARACTERS = 1_000
HELLO_SECONDS = 5.0
HEARTBEAT_SECONDS = 20
PRESENCE_SECONDS = 50
"""Two and a half heartbeats: a node that died says no goodbye for those it had."""
JOINED_EVENTS = 200
JOINED_EVENTS_UNASKED = 50
JOINED_MAX_BYTES = 256 * 1024
LOBBY_MAX = 200
BAD_FRAMES_PER_MINUTE = 10

CLOSE_GOING_AWAY = 1012
CLOSE_TOO_LARGE = 1009
CLOSE_INTERNAL = 1011
CLOSE_BAD_PROTOCOL = 4400
CLOSE_UNAUTHORIZED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429

Status = Literal["active_ai", "active_human", "closed"]
MessageRole = Literal["user", "assistant", "admin", "system"]
