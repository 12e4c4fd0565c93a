"""The public contract, written once: what may be sent and what is answered. Gateway, SDK and commands take it here."""
