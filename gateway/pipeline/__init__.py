"""The worker: turns jobs into artifacts by calling the services, and looks after deadlines, webhooks and expiry."""
