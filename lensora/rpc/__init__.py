"""gRPC: one server runner, interceptors, the error table, health, and the channel factory."""
