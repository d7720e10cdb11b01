"""Everything about LINE: client, messages, friends, and the meaning of its answers."""
