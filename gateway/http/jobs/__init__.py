"""The calls about jobs: read them, wait for them, cancel them, film their model again."""
