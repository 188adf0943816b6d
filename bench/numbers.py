"""Who can be dialled in the bench's site: our own lines, and the peers'. Extensions and numbers, nothing else."""

from __future__ import annotations

AGENTS = tuple(str(extension) for extension in range(1001, 1021))
# `reach` needs to know whose INVITE is whose: the engine rings the first half, the bare dialplan the second.
DESK_AGENTS, BARE_AGENTS = AGENTS[:10], AGENTS[10:]

HOTLINE_RING, HOTLINE_REACH, HOTLINE_MENU = "4008000001", "4008000002", "4008000003"
QUEUE_RING, ECHO_RING = "4009000011", "4009000012"
BARE_REACH = "4009000021"
BARE_MENU, FORKED_MENU = "4009000031", "4009000032"
HOTLINE_IVR = "4008000004"
BARE_IVR, FORKED_IVR, ARI_IVR = "4009000041", "4009000042", "4009000043"
TEACH_IVR = "4009000044"  # puts the look-up's row where the peers look
KNOWN_CALLER = "13800138000"

LANGUAGE_KEY, TOPIC_KEY = "2", "1"
