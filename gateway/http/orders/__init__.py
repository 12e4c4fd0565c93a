"""What an order says and how it is placed: for /transform, and for a film of a kept model."""
